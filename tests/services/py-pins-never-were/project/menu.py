import os

import yaml
from dateutil import parser
from flask import Flask, abort

app = Flask(__name__)
with open("menu.yml") as file:
    MENU = yaml.safe_load(file)


@app.get("/healthz")
def healthz():
    return {"days": len(MENU)}


@app.get("/on/<day>")
def on(day):
    name = parser.parse(day).strftime("%A").lower()
    return {"dishes": MENU[name]} if name in MENU else abort(404)


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", 5000)))
