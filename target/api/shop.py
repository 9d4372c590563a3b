"""What the routes stand on, from the application's start to its end."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import BaseModel, Field

from target.alerts.recent import Recent
from target.alerts.teller import TABLES as ALERTS
from target.alerts.teller import Teller
from target.alerts.webhook import Alert
from target.api.alerting import Counted, wrong
from target.api.breaker import BreakerOpen
from target.api.metrics import Metrics
from target.api.orders import Order, Orders
from target.api.outbox import Drainer, Outbox, key_of
from target.api.payments import Payments
from target.api.schema import FIRST_DAY, INT_MAX, TABLES, TEXT
from target.api.shipping import Shipping
from target.database import Database, prepare
from target.retry import Refused, Unavailable
from target.serve import called_off
from target.settings import Settings

log = logging.getLogger("shop")


class Checkout(BaseModel):
    """What a customer buys."""

    product_id: int = Field(ge=1, le=INT_MAX)
    quantity: int = Field(default=1, ge=1, le=100)
    customer: str = Field(min_length=1, max_length=200, pattern=TEXT)


class Shop:
    def __init__(self, database: Database, settings: Settings, metrics: Metrics) -> None:
        self.database, self._settings, self._metrics = database, settings, metrics
        self._recent = Recent()
        self.orders = Orders(database, settings)
        self.payments, self.shipping = Payments(settings, metrics), Shipping(settings, metrics)
        self.outbox = Outbox(database, settings)
        self.drainer = Drainer(self.outbox, self.orders, self.payments, settings)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, metrics: Metrics) -> AsyncIterator[Shop]:
        await prepare(settings.database_url, TABLES, FIRST_DAY, ALERTS, within_s=settings.database_startup_s)
        shop = cls(await Database.connect(settings, "api", settings.pool_size), settings, metrics)
        metrics.watch_database(shop.database)
        metrics.watch_outbox(lambda: (shop.drainer.depth.count, shop.drainer.depth.oldest_s))
        teller = Teller("api", shop.database, settings, shop.wrong)
        tasks = [asyncio.create_task(one.run()) for one in (shop.drainer, teller)]
        try:
            yield shop
        finally:
            await called_off(tasks)
            await teller.close()
            await shop.payments.close()
            await shop.shipping.close()
            await shop.database.close()

    def wrong(self) -> list[Alert]:
        counted = Counted(**self._recent.gained(self._metrics.totals()))
        return wrong([self.payments.breaker, self.shipping.breaker], self.drainer.depth, counted)

    async def checkout(self, body: Checkout, key: str | None) -> Order:
        """Order, charge outside of any transaction, settle. A repeat with the same key goes on where it was.

        Where the provider does not answer the order is accepted: its stock stays reserved, the outbox charges it.
        """
        order = await self.orders.place(key or uuid.uuid4().hex, body.customer, body.product_id, body.quantity)
        if order.status != "pending":
            return order
        try:
            charge_id = await self.payments.charge(key_of(order.id), order.amount_cents)
        except Refused:
            await self.orders.failed(order.id)
            return replace(order, status="failed")
        except Unavailable as error:
            if not isinstance(error, BreakerOpen):  # which has told of itself
                log.warning("order %d: payments does not answer (%s); accepted, to be charged later", order.id, error)
            await self.orders.accepted(order.id, error.after_s or 0)
            return replace(order, status="accepted")
        await self.orders.paid(order.id, charge_id)
        return replace(order, status="paid")
