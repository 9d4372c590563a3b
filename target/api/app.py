"""The shop's routes. A database that is away is answered for with 503, soon, and with a time to come back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse

from target.alerts.exposed import Exposed
from target.api.metrics import Measured, Metrics
from target.api.orders import OtherBasket, OutOfStock
from target.api.schema import TEXT
from target.api.shop import Checkout, Shop
from target.database import DatabaseUnavailable
from target.settings import Settings

RETRY_AFTER_S = 5
WEIGHT_MAX_G = 31_500
WRITES_MAX = 50_000
log = logging.getLogger("shop")


def make(settings: Settings) -> FastAPI:
    metrics = Metrics()
    exposed = Exposed(metrics.registry, settings.weakness)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Shop.open(settings, metrics) as shop:
            app.state.shop = shop
            yield

    app = FastAPI(title="shop", openapi_url=None, lifespan=lifespan)
    app.add_middleware(Measured, metrics=metrics)

    def shop_of(request: Request) -> Shop:
        shop: Shop = request.app.state.shop
        return shop

    @app.get("/catalogue")
    async def catalogue(request: Request) -> Response:
        return JSONResponse(await shop_of(request).orders.catalogue())

    @app.post("/checkout", status_code=201)
    async def checkout(
        request: Request, body: Checkout, idempotency_key: str | None = Header(default=None, max_length=200)
    ) -> Response:
        if settings.release == "untried":
            raise KeyError("discount")  # what a deploy brings that nobody has tried before
        order = await shop_of(request).checkout(body, idempotency_key or None)
        placed = {"order_id": order.id, "status": order.status}
        if order.status == "failed":
            return JSONResponse({"error": "the payment was refused; nothing was bought", **placed}, 402)
        if order.status != "paid":
            if "fallback-lies" in settings.weakness:
                return JSONResponse({**placed, "status": "paid"}, 201)  # planted weakness: nobody has paid yet
            return JSONResponse(placed, 202, headers={"Location": f"/orders/{order.id}"})
        return JSONResponse(placed, 201)

    @app.get("/orders/{order_id}")
    async def order(request: Request, order_id: int) -> Response:
        found = await shop_of(request).orders.find(order_id)
        if found is None:
            return JSONResponse({"error": f"no order {order_id}"}, 404)
        return JSONResponse({"order_id": found.id, "status": found.status, "amount_cents": found.amount_cents})

    @app.get("/writes")
    async def writes(
        request: Request,
        prefix: str = Query(default="", max_length=200, pattern=TEXT),
        after: str = Query(default="", max_length=200, pattern=TEXT),
        limit: int = Query(default=WRITES_MAX, ge=1, le=WRITES_MAX),
    ) -> Response:
        """Which checkouts are there, by Idempotency-Key, with the orders of each; `more`: ask on `after` the last."""
        keys = await shop_of(request).orders.keys(prefix, after, limit)
        return JSONResponse({"keys": keys, "more": len(keys) == limit})

    @app.get("/shipping")
    async def shipping(request: Request, weight_g: int = Query(ge=1, le=WEIGHT_MAX_G)) -> Response:
        price_cents, estimated = await shop_of(request).shipping.quote(weight_g)
        return JSONResponse({"price_cents": price_cents, "estimated": estimated})

    @app.get("/outbox")
    async def outbox(request: Request) -> Response:
        """How many accepted orders nobody has paid yet, and for how long the oldest waits, at this moment."""
        depth = await shop_of(request).outbox.depth()
        return JSONResponse({"waiting": depth.count, "oldest_s": depth.oldest_s})

    @app.get("/healthz")
    async def healthz(request: Request) -> Response:
        await shop_of(request).database.ping()
        return JSONResponse({"status": "ok"})

    @app.get("/metrics")
    async def metrics_text() -> Response:
        return PlainTextResponse(exposed.text(), media_type="text/plain; version=0.0.4")

    @app.exception_handler(DatabaseUnavailable)
    async def unavailable(request: Request, error: Exception) -> Response:
        log.warning("%s %s: the database does not answer (%s)", request.method, request.url.path, error)
        body = {"error": "the database does not answer; try again"}
        return JSONResponse(body, 503, headers={"Retry-After": str(RETRY_AFTER_S)})

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: Exception) -> Response:
        # FastAPI's own answer repeats what was given, and fails where that is NaN or half a surrogate pair
        assert isinstance(error, RequestValidationError)
        said = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        return JSONResponse({"error": "; ".join(said)}, 422)

    @app.exception_handler(OtherBasket)
    async def other_basket(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, 422)

    @app.exception_handler(OutOfStock)
    async def out_of_stock(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, 409)

    return app
