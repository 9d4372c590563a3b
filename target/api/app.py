"""The shop's routes. What is away is answered for with 503, soon, and with a time to come back."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

from target.api.metrics import Measured, Metrics
from target.api.orders import DatabaseUnavailable, Order, Orders, OtherBasket, OutOfStock
from target.api.payments import (
    PaymentRefused,
    Payments,
    PaymentsBadAnswer,
    PaymentsNotReached,
    PaymentsUnavailable,
)
from target.api.schema import INT_MAX, TEXT, prepare
from target.settings import Settings

RETRY_AFTER_S = 5
log = logging.getLogger("shop")


class Checkout(BaseModel):
    """What a customer buys."""

    product_id: int = Field(ge=1, le=INT_MAX)
    quantity: int = Field(default=1, ge=1, le=100)
    customer: str = Field(min_length=1, max_length=200, pattern=TEXT)


class Shop:
    """What the routes stand on, from the application's start to its end."""

    def __init__(self, orders: Orders, payments: Payments) -> None:
        self.orders, self.payments = orders, payments

    async def checkout(self, body: Checkout, key: str | None) -> Order:
        """Order, charge outside of any transaction, settle. A repeat with the same key goes on where it was.

        While nobody knows whether the provider charged, the order stays pending and its stock reserved.
        """
        order = await self.orders.place(key or uuid.uuid4().hex, body.customer, body.product_id, body.quantity)
        if order.status != "pending":
            return order
        try:
            charge_id = await self.payments.charge(f"order-{order.id}", order.amount_cents)
        except PaymentRefused:
            await self.orders.failed(order.id)
            return replace(order, status="failed")
        except PaymentsNotReached:
            if key is None:  # nobody else can be charging for this order, and nobody can come back for it
                await self.orders.failed(order.id)
            raise
        await self.orders.paid(order.id, charge_id)
        return replace(order, status="paid")


def make(settings: Settings) -> FastAPI:
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await prepare(settings.database_url, within_s=settings.database_startup_s)
        shop = Shop(await Orders.connect(settings), Payments(settings))
        metrics.watch_pool(lambda: shop.orders.connections)
        app.state.shop = shop
        yield
        await shop.payments.close()
        await shop.orders.close()

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
        order = await shop_of(request).checkout(body, idempotency_key or None)
        placed = {"order_id": order.id, "status": order.status}
        if order.status == "failed":
            return JSONResponse({"error": "the payment was refused; nothing was bought", **placed}, 402)
        return JSONResponse(placed, 201)

    @app.get("/orders/{order_id}")
    async def order(request: Request, order_id: int) -> Response:
        found = await shop_of(request).orders.find(order_id)
        if found is None:
            return JSONResponse({"error": f"no order {order_id}"}, 404)
        return JSONResponse({"order_id": found.id, "status": found.status, "amount_cents": found.amount_cents})

    @app.get("/healthz")
    async def healthz(request: Request) -> Response:
        await shop_of(request).orders.ping()
        return JSONResponse({"status": "ok"})

    @app.get("/metrics")
    async def metrics_text() -> Response:
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.exception_handler(DatabaseUnavailable)
    @app.exception_handler(PaymentsUnavailable)
    async def unavailable(request: Request, error: Exception) -> Response:
        what = "the database" if isinstance(error, DatabaseUnavailable) else "the payments provider"
        log.warning("%s %s: %s does not answer (%s)", request.method, request.url.path, what, error)
        body = {"error": f"{what} does not answer; try again"}
        return JSONResponse(body, 503, headers={"Retry-After": str(RETRY_AFTER_S)})

    @app.exception_handler(PaymentsBadAnswer)
    async def bad_answer(request: Request, error: Exception) -> Response:
        log.warning("%s %s: the payments provider gave a bad answer (%s)", request.method, request.url.path, error)
        return JSONResponse({"error": "the payments provider gave a bad answer; try again"}, 502)

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
