import os

from bottle import Bottle, abort, request
from waitress import serve

app = Bottle()
lines = []


@app.get("/ping")
def ping():
    return "pong"


@app.post("/lines")
def add():
    try:
        cents = int(request.json["cents"])
    except (KeyError, TypeError, ValueError):
        abort(422)
    lines.append(cents)
    return {"balance": sum(lines)}


serve(app, listen="*:" + os.environ.get("PORT", "8000"))
