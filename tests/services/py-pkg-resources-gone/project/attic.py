import json

import fs
from bottle import Bottle, HTTPResponse, request

attic = fs.open_fs("mem://")
app = Bottle()


@app.get("/healthz")
def healthz():
    return {"files": sum(1 for _ in attic.walk.files())}


@app.put("/f/<path:path>")
def put(path):
    attic.makedirs(fs.path.dirname(path), recreate=True)
    attic.writebytes(path, request.body.read())
    return HTTPResponse(json.dumps({"path": path}), 201)


@app.get("/f/<path:path>")
def get(path):
    if not attic.exists(path):
        return HTTPResponse(status=404)
    return attic.readbytes(path)
