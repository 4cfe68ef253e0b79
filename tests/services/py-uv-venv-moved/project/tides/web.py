import math

from flask import Flask, abort

app = Flask(__name__)
HARBOURS = {"husum": (0.0, 3.4), "dover": (2.5, 6.0)}


@app.get("/healthz")
def healthz():
    return {"status": "ok"}


@app.get("/level/<harbour>/<float:hour>")
def level(harbour, hour):
    if harbour not in HARBOURS:
        abort(404)
    phase, range_m = HARBOURS[harbour]
    return {"m": round(range_m / 2 * math.cos((hour - phase) * 2 * math.pi / 12.42), 2)}
