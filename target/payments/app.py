"""POST /charges: takes its time as such providers do, and answers the same key with the same charge.

Where it has a PAYMENTS_KEY it knows those who bear that one, and answers others with 401.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import OrderedDict
from hmac import compare_digest

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

from target.payments.spread import ServiceTimes
from target.settings import Settings

KEYS_MAX = 100_000


class Charge(BaseModel):
    """What the shop asks for."""

    amount_cents: int
    card: str


class Charged(BaseModel):
    """What the provider answers."""

    charge_id: str
    amount_cents: int


def make(settings: Settings) -> FastAPI:
    app = FastAPI(title="payments", openapi_url=None)
    times = ServiceTimes(random.Random(settings.seed))
    charges: OrderedDict[str, Charged] = OrderedDict()
    numbers = itertools.count()

    @app.post("/charges", status_code=201)
    async def charge(
        body: Charge, idempotency_key: str = Header(min_length=1, max_length=255), authorization: str = Header("")
    ) -> Charged:
        if settings.payments_key and not compare_digest(
            authorization.encode(), f"Bearer {settings.payments_key}".encode()
        ):
            raise HTTPException(401, "who are you?")
        await asyncio.sleep(times.draw_s())
        if idempotency_key not in charges:
            charges[idempotency_key] = Charged(charge_id=f"ch_{next(numbers)}", amount_cents=body.amount_cents)
            if len(charges) > KEYS_MAX:
                charges.popitem(last=False)
        return charges[idempotency_key]

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app
