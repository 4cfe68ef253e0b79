from fastapi import FastAPI, Form, HTTPException, UploadFile

from dropbox import shelf

api = FastAPI(title="dropbox")


@api.get("/health")
def health() -> dict:
    return {"ok": True}


@api.post("/files", status_code=201)
async def put(file: UploadFile, label: str = Form("none")) -> dict:
    size = shelf.keep(file.filename, await file.read())
    return {"name": file.filename, "size": size, "label": label}


@api.get("/files/{name}")
def get(name: str) -> dict:
    if name not in shelf.files:
        raise HTTPException(404)
    return {"size": len(shelf.files[name])}
