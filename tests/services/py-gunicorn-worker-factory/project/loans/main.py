from fastapi import FastAPI, HTTPException, Query


def monthly(cents: int, months: int, percent: float) -> int:
    rate = percent / 1200
    return round(cents * rate / (1 - (1 + rate) ** -months)) if rate else cents // months


def create_app() -> FastAPI:
    app = FastAPI()

    @app.get("/health")
    async def health() -> dict:
        return {"status": "ok"}

    @app.get("/monthly")
    async def rate(cents: int, months: int = Query(gt=0), percent: float = 4.0) -> dict:
        if cents <= 0:
            raise HTTPException(400)
        return {"cents": monthly(cents, months, percent)}

    return app
