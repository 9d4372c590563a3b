"""Failures made for real: each is told by the alert of its cause, and by no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from tests.target.feeding import Feed, running_etl
from tests.target.running import Api, Database, Provider, running_api, running_database
from tests.target.telling import FIRES_WITHIN_S, RESOLVES_WITHIN_S, Receiver

pytestmark = pytest.mark.integration

LOCKED_S = 4
DISK_FULL = """
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER no_space BEFORE INSERT ON orders EXECUTE FUNCTION no_space();
"""
CALMED = "DROP TRIGGER no_space ON orders; DROP FUNCTION no_space"


@pytest.fixture(scope="module")
def _own() -> Iterator[Database]:
    with running_database() as running:
        asyncio.run(running.execute("CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'keeper'"))
        yield running


@pytest.fixture
def own(_own: Database) -> Iterator[Database]:
    """PostgreSQL, to be broken; its keeper may do what the shop may not, and no alert or order outlives its test."""
    yield _own
    do(_own, "DROP TABLE IF EXISTS alerts, outbox, orders")


def do(database: Database, statement: str) -> None:
    keeper = replace(database, url=database.url.replace("shop:shop@", "keeper:keeper@"))
    asyncio.run(keeper.execute(statement))


def fires_alone(receiver: Receiver, name: str, service: str, severity: str) -> bool:
    """Whether this alert fires, once, with these labels, and no other."""
    assert receiver.is_told(name, "firing", FIRES_WITHIN_S)
    assert receiver.messages[0]["commonLabels"] == {"alertname": name, "service": service, "severity": severity}
    return receiver.told() == {(name, "firing"): 1}


def status_of_the_catalogue(api: Api) -> int:
    """By a connection of its own: one on which an error was told is closed."""
    url = api.client.base_url.join("/catalogue")
    return httpx.get(url, timeout=10, trust_env=False).status_code


def at_once(api: Api, count: int) -> list[int]:
    """The answers to so many who ask for the catalogue at once."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(lambda _: status_of_the_catalogue(api), range(count)))


def test_a_database_that_does_not_let_us_in_is_told_and_is_not_away(
    own: Database, charging: Provider, receiver: Receiver, tmp_path: Path
):
    """A password that is another now: 503 for users, and no traceback."""
    with running_api(own, charging.url, tmp_path / "log", ALERT_WEBHOOK_URL=receiver.url) as api:
        try:
            do(own, "ALTER ROLE shop PASSWORD 'another'")
            do(own, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'")
            assert fires_alone(receiver, "CredentialsRefused", "api", "critical")
            assert api.client.get("/catalogue").status_code == 503
            assert api.metric('shop_database_troubles_total{kind="credentials"}') > 0
            assert api.metric("shop_database_up") == 1
        finally:
            do(own, "ALTER ROLE shop PASSWORD 'shop'")
        assert receiver.is_told("CredentialsRefused", "resolved", RESOLVES_WITHIN_S)
    assert len(receiver.messages) == 2
    assert "Traceback" not in api.log()


def test_a_provider_that_does_not_know_us_is_told(
    own: Database, charging: Provider, receiver: Receiver, tmp_path: Path
):
    """One order is enough, and it is accepted."""
    with running_api(own, charging.url, tmp_path / "log", ALERT_WEBHOOK_URL=receiver.url) as api:
        charging.says(401)
        assert api.buy().status_code == 202
        assert fires_alone(receiver, "CredentialsRefused", "api", "critical")
        assert api.metric('shop_credentials_refused_total{service="payments"}') > 0


def test_a_feed_that_does_not_know_us_is_told(own: Database, receiver: Receiver, tmp_path: Path):
    """By the etl, whose data grows stale by it."""
    feed = Feed()
    try:
        with running_etl(own, feed.url, tmp_path / "log", ALERT_WEBHOOK_URL=receiver.url) as etl:
            feed.status = 403
            etl.pull()
            assert receiver.is_told("CredentialsRefused", "firing", FIRES_WITHIN_S)
    finally:
        feed.close()
    assert receiver.told()["CredentialsRefused", "firing"] == 1


@pytest.mark.parametrize("weakness", ["", "tiny-pool"])
def test_a_lock_that_is_held_is_told_and_the_database_is_not_away(
    weakness: str, own: Database, charging: Provider, receiver: Receiver, tmp_path: Path
):
    """Whether those who ask wait for the lock, or for the one connection that does."""
    lock = f"BEGIN; LOCK TABLE products; SELECT pg_sleep({LOCKED_S}); COMMIT"
    holder = threading.Thread(target=do, args=(own, lock))
    with running_api(own, charging.url, tmp_path / "log", ALERT_WEBHOOK_URL=receiver.url, WEAKNESS=weakness) as api:
        holder.start()
        try:
            answers = [status for _ in range(2) for status in at_once(api, 6)]
            assert fires_alone(receiver, "DatabaseSaturated", "api", "critical")
        finally:
            holder.join()
        assert answers.count(503) >= 6
        assert api.metric('shop_database_troubles_total{kind="saturated"}') >= 6
        assert api.metric('shop_database_troubles_total{kind="away"}') == 0


def test_a_full_disk_is_told_and_reading_goes_on(own: Database, charging: Provider, receiver: Receiver, tmp_path: Path):
    """By what PostgreSQL says when it cannot write."""
    with running_api(own, charging.url, tmp_path / "log", ALERT_WEBHOOK_URL=receiver.url) as api:
        do(own, DISK_FULL)
        try:
            assert api.buy().status_code == 503
            assert api.client.get("/catalogue").status_code == 200
            assert fires_alone(receiver, "DatabaseDiskFull", "api", "critical")
        finally:
            do(own, CALMED)
        assert api.metric('shop_database_troubles_total{kind="disk"}') == 1


def test_a_bad_deploy_is_told(own: Database, charging: Provider, receiver: Receiver, tmp_path: Path):
    """A migration that the code does not know: errors that nobody foresaw, while the database is well."""
    with running_api(own, charging.url, tmp_path / "log", ALERT_WEBHOOK_URL=receiver.url) as api:
        do(own, "ALTER TABLE products RENAME name TO title")
        try:
            assert at_once(api, 6) == [500] * 6
            assert fires_alone(receiver, "ServerErrors", "api", "critical")
        finally:
            do(own, "ALTER TABLE products RENAME title TO name")


@pytest.mark.parametrize(("weakness", "fires"), [("no-breaker", False), ("no-breaker,retry-storm", True)])
def test_a_retry_storm_is_told_and_what_the_budget_allows_is_not(
    weakness: str, fires: bool, own: Database, charging: Provider, receiver: Receiver, tmp_path: Path
):
    """Against a provider that fails: three attempts within the budget, or three layers of three."""
    told = {"ALERT_WEBHOOK_URL": receiver.url, "WEAKNESS": weakness}
    with running_api(own, charging.url, tmp_path / "log", **told) as api:
        charging.says(500)
        for _ in range(2 if fires else 15):
            assert api.buy().status_code == 202
        assert receiver.is_told("RetryStorm", "firing", FIRES_WITHIN_S if fires else 4) is fires
        assert api.metric("shop_charge_retries_total") > (40 if fires else 5)
        charging.charges()


def test_a_database_that_hangs_for_seconds_is_away_and_nothing_else(
    own: Database, charging: Provider, receiver: Receiver, tmp_path: Path
):
    """However many wait for the pool meanwhile, and for what it says when it goes on."""
    with running_api(own, charging.url, tmp_path / "log", ALERT_WEBHOOK_URL=receiver.url) as api:
        postmaster = psutil.Process(own.process.pid)
        frozen = [postmaster, *postmaster.children(recursive=True)]
        for one in frozen:
            one.suspend()
        try:
            assert set(at_once(api, 20) + at_once(api, 20)) == {503}
            assert fires_alone(receiver, "DatabaseUnreachable", "api", "critical")
        finally:
            for one in frozen:
                one.resume()
        at_once(api, 20)
        assert receiver.is_told("DatabaseUnreachable", "resolved", RESOLVES_WITHIN_S)
    assert receiver.told() == {("DatabaseUnreachable", "firing"): 1, ("DatabaseUnreachable", "resolved"): 1}, api.log()
