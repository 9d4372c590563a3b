"""GET /quote: a price by weight, the same each time."""

from __future__ import annotations

from fastapi import FastAPI, Query

from target.settings import Settings

BASE_CENTS, CENTS_PER_KG = 450, 120


def make(settings: Settings) -> FastAPI:
    app = FastAPI(title="shipping", openapi_url=None)

    @app.get("/quote")
    async def quote(weight_g: int = Query(ge=1, le=1_000_000)) -> dict[str, int]:
        return {"price_cents": BASE_CENTS + weight_g * CENTS_PER_KG // 1000}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app
