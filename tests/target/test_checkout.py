"""A checkout's end, by what the payments provider answers: paid, failed, or not known yet."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

from harness.waiting import wait_until
from tests.target.running import Api, Database, Provider, nowhere, running_api

pytestmark = pytest.mark.integration

AT_ONCE = 8
LAST_FEW = 3
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
HELD_S = 0.3
"""Less than the shop gives a statement."""


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b"{}"),
        (200, b'{"charge_id": null}'),
        (201, b'{"charge_id": ""}'),
        (201, rb'{"charge_id": "ch\u0000"}'),
        (201, b"[]"),
        (201, b"charged!"),
        (200, b"\xff"),
        (204, b""),
        (302, b'{"charge_id": "ch_1"}'),
        (404, b'{"charge_id": "ch_1"}'),
    ],
)
def test_after_a_bad_answer_of_the_provider_the_order_is_accepted(
    api: Api, provider: Provider, status: int, body: bytes
):
    """202. Nobody knows whether it charged, so it is not asked again at once; later, by the same key, it is paid."""
    key = f"bad-{status}-{body!r}"
    provider.says(status, body)
    answer = api.buy(key)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted"), answer.text
    assert answer.headers["Location"] == f"/orders/{answer.json()['order_id']}"
    provider.charges()
    assert wait_until(lambda: api.buy(key).status_code == 201, 10)
    assert api.buy(key).json() == {**answer.json(), "status": "paid"}
    assert len(set(provider.asked)) == 1


@pytest.mark.parametrize(("status", "attempts"), [(429, 1), (500, 3), (503, 3)])
def test_a_provider_that_is_in_trouble_is_asked_again_while_the_customer_waits(
    api: Api, provider: Provider, status: int, attempts: int
):
    """Three times by the same key, once where it said that it is asked too often; then the order is accepted."""
    provider.says(status)
    answer = api.buy(f"trouble-{status}")
    assert answer.status_code == 202, answer.text
    first = provider.asked[:attempts]
    assert len(first) == attempts
    assert len(set(provider.asked)) == 1
    assert api.status(answer.json()["order_id"]) == "accepted"


@pytest.mark.parametrize("status", [400, 402, 422])
def test_a_refused_charge_fails_the_order_and_gives_its_stock_back(api: Api, provider: Provider, status: int):
    """402, and the same again for the same key: the provider is not asked twice, the stock not given back twice."""
    before = api.stock()
    provider.says(status)
    answer = api.buy(f"refused-{status}", quantity=7)
    assert answer.status_code == 402, answer.text
    assert answer.json()["status"] == api.status(answer.json()["order_id"]) == "failed"
    assert api.stock() == before
    provider.charges()
    again = api.buy(f"refused-{status}", quantity=7)
    assert (again.status_code, again.content) == (402, answer.content)
    assert api.stock() == before
    assert len(provider.asked) == 1


def test_an_order_refused_to_many_at_once_gives_its_stock_back_once(api: Api, provider: Provider):
    """All are told the same."""
    before = api.stock()
    provider.says(402)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: api.buy("refused-at-once"), range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {402}
    assert len({answer.content for answer in answers}) == 1
    assert api.stock() == before


@pytest.mark.parametrize(("verdict", "code", "status", "sold"), [(201, 201, "paid", 1), (402, 402, "failed", 0)])
def test_a_charge_without_an_answer_is_settled_later(
    api: Api, provider: Provider, verdict: int, code: int, status: str, sold: int
):
    """Accepted, its stock kept, since money may have moved; later the provider's word settles it, by the same key."""
    before = api.stock()
    provider.is_silent()
    answer = api.buy(f"silent-{verdict}")
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted"), answer.text
    assert api.stock() == before - 1
    provider.says(verdict, b'{"charge_id": "ch_1"}')
    assert wait_until(lambda: api.status(answer.json()["order_id"]) == status, 15)
    assert api.buy(f"silent-{verdict}").status_code == code
    assert api.stock() == before - sold
    assert len(set(provider.asked)) == 1


def test_many_buyers_of_the_last_few_buy_no_more_than_there_are(api: Api, database: Database):
    """All of them see the last few before any of them has one; those that come too late are told."""
    answers = asyncio.run(_buy_at_the_same_moment(api, database, product_id=20, available=LAST_FEW))
    assert sorted(answers) == [201] * LAST_FEW + [409] * (AT_ONCE - LAST_FEW)
    assert api.stock(20) == 0


async def _buy_at_the_same_moment(api: Api, database: Database, product_id: int, available: int) -> list[int]:
    """What the buyers are answered, whose statements have all begun before the first of them gets the product's row."""
    connection = await asyncpg.connect(database.url)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        set_stock = "UPDATE stock SET available = $2 WHERE product_id = $1"
        await connection.execute(set_stock, product_id, available)
        async with connection.transaction():
            await connection.execute(set_stock, product_id, available)
            buyers = [loop.run_in_executor(pool, lambda: api.buy(product_id=product_id)) for _ in range(AT_ONCE)]
            until = loop.time() + HELD_S
            while await connection.fetchval(WAITING) < AT_ONCE and loop.time() < until:
                await asyncio.sleep(0.01)
        answers = await asyncio.gather(*buyers)
    await connection.close()
    return [answer.status_code for answer in answers]


def test_an_order_outlives_the_shop_that_took_it(database: Database, api: Api, provider: Provider, tmp_path: Path):
    """Accepted by one that cannot reach the provider and then ends; another finds it in the outbox and charges."""
    before = api.stock()
    with running_api(database, nowhere(), tmp_path / "log") as unreached:
        answer = unreached.buy()
    assert answer.status_code == 202, answer.text
    assert wait_until(lambda: api.status(answer.json()["order_id"]) == "paid", 15)
    assert api.stock() == before - 1
    assert len(provider.asked) == 1


def test_no_connection_of_the_pool_waits_for_the_provider(database: Database, provider: Provider, tmp_path: Path):
    """With one connection in all, others look around while a customer's card is charged."""
    with running_api(database, provider.url, tmp_path / "log", WEAKNESS="tiny-pool,no-timeout") as api:
        provider.is_silent()
        with ThreadPoolExecutor(1) as customer:
            bought = customer.submit(api.buy)
            try:
                assert wait_until(lambda: bool(provider.asked), 5)
                assert api.client.get("/catalogue").status_code == 200
                assert not bought.done()
            finally:
                provider.charges()
            assert bought.result().status_code == 201
