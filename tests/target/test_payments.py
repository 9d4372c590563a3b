"""The provider: how long it takes, and that a key is charged once."""

from __future__ import annotations

import asyncio
import random
import statistics

import httpx
import pytest

from target.payments import app as provider
from target.payments.spread import MEDIAN_S, P99_S, ServiceTimes
from target.settings import Settings

DRAWS = 20_000


def _draws(seed: int, count: int = DRAWS) -> list[float]:
    times = ServiceTimes(random.Random(seed))
    return [times.draw_s() for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_the_service_times_have_their_median_and_p99(seed):
    """Drawn often enough, the median is within 3 % and the 99th percentile within 10 % of what is promised."""
    draws = _draws(seed)
    assert statistics.median(draws) == pytest.approx(MEDIAN_S, rel=0.03)
    assert statistics.quantiles(draws, n=100)[98] == pytest.approx(P99_S, rel=0.10)


def test_a_seed_repeats_its_service_times():
    """The same seed draws the same times, another seed others."""
    assert _draws(1, 50) == _draws(1, 50) != _draws(2, 50)


def _charge(keys: list[str], *, at_once: bool = False) -> list[str]:
    """The ids that the provider answers to these keys."""

    async def ask() -> list[str]:
        transport = httpx.ASGITransport(provider.make(Settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://payments") as client:

            async def one(key: str) -> str:
                body = {"amount_cents": 500, "card": "tok_test"}
                answer = await client.post("/charges", json=body, headers={"Idempotency-Key": key})
                assert answer.status_code == 201
                return str(answer.json()["charge_id"])

            if at_once:
                return list(await asyncio.gather(*map(one, keys)))
            return [await one(key) for key in keys]

    return asyncio.run(ask())


@pytest.mark.parametrize("at_once", [False, True])
def test_the_same_key_is_the_same_charge(at_once):
    """A repeat is answered with the first charge, also when both are under way; another key is another charge."""
    first, again, other = _charge(["order-1", "order-1", "order-2"], at_once=at_once)
    assert first == again != other


def test_what_is_remembered_is_bounded(monkeypatch):
    """The oldest key is forgotten first, and no id is given twice."""
    monkeypatch.setattr(provider, "KEYS_MAX", 2)
    one, two, three, two_again, one_again = _charge(["1", "2", "3", "2", "1"])
    assert two_again == two
    assert len({one, two, three, one_again}) == 4


def test_a_charge_needs_a_key():
    """Without a key nothing is charged, since nothing could be repeated safely."""

    async def ask() -> int:
        transport = httpx.ASGITransport(provider.make(Settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://payments") as client:
            return (await client.post("/charges", json={"amount_cents": 500, "card": "tok_test"})).status_code

    assert asyncio.run(ask()) == 422
