"""What a parcel costs, by the carrier's word or, marked as such, by a flat rate."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from target.api.metrics import Metrics
from target.api.shipping import FLAT_RATE_CENTS, Shipping
from target.settings import Settings
from target.shipping import app as carrier

CALLS = 8


class _Broken:
    """An application that counts what it is asked, and fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.app = FastAPI()
        self.app.get("/quote")(self._quote)

    async def _quote(self) -> dict[str, str]:
        self.asked += 1
        return {"price_cents": "free!"}


def _quotes(app: FastAPI, times: int = 1, weakness: str = "") -> list[tuple[int, bool]]:
    async def ask() -> list[tuple[int, bool]]:
        shipping = Shipping(Settings(weakness=frozenset({weakness})), Metrics())
        shipping._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shipping")
        try:
            return [await shipping.quote(2000) for _ in range(times)]
        finally:
            await shipping.close()

    return asyncio.run(ask())


def test_the_carrier_quotes_by_weight():
    """Its price, and not marked as an estimate."""
    assert _quotes(carrier.make(Settings())) == [(690, False)]


def test_without_the_carrier_the_flat_rate_says_that_it_is_one():
    """At first after asking, then, with the breaker open, without."""
    broken = _Broken()
    assert _quotes(broken.app, CALLS) == [(FLAT_RATE_CENTS, True)] * CALLS
    assert broken.asked == 5


def test_a_shop_that_lies_gives_the_flat_rate_as_the_carriers():
    """The planted weakness fallback-lies."""
    assert _quotes(_Broken().app, weakness="fallback-lies") == [(FLAT_RATE_CENTS, False)]


@pytest.mark.parametrize("weight", ["0", "-1", "1000001", "heavy"])
def test_no_parcel_weighs_that(weight: str):
    """422 from the carrier."""

    async def ask() -> int:
        transport = httpx.ASGITransport(carrier.make(Settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://shipping") as client:
            return (await client.get("/quote", params={"weight_g": weight})).status_code

    assert asyncio.run(ask()) == 422
