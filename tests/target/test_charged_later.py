"""While payments does not answer the breaker opens and orders are accepted at once; all are paid afterwards."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest

from harness import OutboxDrains
from harness.record import Account, Word
from harness.waiting import wait_until
from tests.builders import window
from tests.ledgers import read
from tests.target.running import Api, Database, Provider, running_api

pytestmark = pytest.mark.integration

ORDERS = 20
ATTEMPT_S = 0.35
RESET_S = 3.0


def test_orders_are_accepted_at_once_and_paid_afterwards(api: Api, provider: Provider):
    """With the breaker open none waits for the provider; each is paid once it answers, by its own key and no other."""
    provider.is_silent()
    for _ in range(5):
        assert api.buy().status_code == 202
    assert api.breaker() == 2
    began = time.monotonic()
    answers = [api.buy() for _ in range(ORDERS)]
    each_s = (time.monotonic() - began) / ORDERS
    assert {answer.status_code for answer in answers} == {202}
    assert each_s < ATTEMPT_S / 2
    assert wait_until(lambda: api.metric("shop_outbox_charges") >= ORDERS, 5)
    provider.charges()
    assert wait_until(lambda: all(api.status(answer.json()["order_id"]) == "paid" for answer in answers), 15)
    assert wait_until(lambda: api.metric("shop_outbox_charges") == 0, 5)
    assert {f"order-{answer.json()['order_id']}" for answer in answers} <= set(provider.asked)


@pytest.mark.parametrize("lost", [False, True])
def test_what_waits_is_told_and_an_outbox_that_was_lost_never_drains(
    api: Api, provider: Provider, database: Database, lost: bool
):
    """By the orders that nobody has paid, at this moment: those that the outbox has forgotten wait for ever."""
    check = OutboxDrains("api", "/outbox", "waiting", within_s=10)

    def told(at_s: float) -> Account:
        answer = api.client.get("/outbox")
        return Account(at_s, "api", "/outbox", answer.status_code, answer.json())

    accounts = [told(1)]
    provider.is_silent()
    orders = [api.buy().json()["order_id"] for _ in range(5)]
    accounts.append(told(7))
    assert accounts[0].body["waiting"] == 0
    assert accounts[1].body["waiting"] == len(orders)
    assert accounts[1].body["oldest_s"] > 0
    if lost:
        asyncio.run(database.execute(f"DELETE FROM outbox WHERE order_id = {orders[0]}"))
    provider.charges()
    assert wait_until(lambda: told(0).body["waiting"] == lost, 15)
    accounts += [told(12), told(25)]
    verdict = check.check(read(accounts, windows=[window("payments away", 5, 10)], end_s=30))
    assert verdict.word is (Word.FAIL if lost else Word.PASS), verdict.sentence
    if lost:
        assert "had grown to 5 and was still 1 15.0 s after the last fault" in verdict.sentence
        asyncio.run(database.execute(f"UPDATE orders SET status = 'failed' WHERE id = {orders[0]}"))


def test_while_it_is_open_one_probe_at_a_time_reaches_the_provider(api: Api, provider: Provider):
    """A reset time or more apart, whoever asks, the shop's customers or its outbox."""
    provider.says(503)
    assert wait_until(lambda: api.buy().status_code == 202 and api.breaker() == 2, 5)
    provider.asked_at.clear()
    assert wait_until(lambda: api.buy().status_code == 202 and len(provider.asked_at) >= 3, 15)
    probes = provider.asked_at[:3]
    assert all(after - before >= RESET_S - 0.1 for before, after in pairwise(probes))


def test_a_retry_after_that_fits_is_obeyed(api: Api, provider: Provider):
    """The second attempt comes when the provider asked for it; the customer waits no longer than the budget."""
    provider.says(503, Retry_After="1")
    began = time.monotonic()
    assert api.buy().status_code == 202
    assert time.monotonic() - began < 2
    assert len(provider.asked_at) == 2
    assert provider.asked_at[1] - provider.asked_at[0] >= 1


def test_a_new_key_in_each_try_is_many_charges(database: Database, provider: Provider, tmp_path: Path):
    """The planted weakness new-key-per-try."""
    with running_api(database, provider.url, tmp_path / "log", WEAKNESS="new-key-per-try") as weak:
        provider.says(500)
        weak.buy()
        assert len(set(provider.asked[:3])) == 3
        provider.charges()
        weak.forget_failures()


def test_a_breaker_for_each_request_never_opens(database: Database, provider: Provider, tmp_path: Path):
    """The planted weakness breaker-per-request."""
    with running_api(database, provider.url, tmp_path / "log", WEAKNESS="breaker-per-request") as weak:
        provider.says(500)
        asked = []
        for _ in range(12):
            before = len(provider.asked)
            weak.buy()
            asked.append(len(provider.asked) - before)
        assert weak.breaker() == 0
        assert min(asked) >= 1
        provider.charges()
        weak.forget_failures()


def test_a_shop_that_lies_says_paid(database: Database, provider: Provider, tmp_path: Path):
    """The planted weakness fallback-lies."""
    with running_api(database, provider.url, tmp_path / "log", WEAKNESS="fallback-lies") as weak:
        provider.says(500)
        answer = weak.buy()
        assert (answer.status_code, answer.json()["status"]) == (201, "paid")
        assert weak.status(answer.json()["order_id"]) == "accepted"
