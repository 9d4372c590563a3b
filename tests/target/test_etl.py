"""The etl on a real database: whole batches or none, each row once, none lost without a trace, old data marked so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.target.feeding import Etl, Feed, emptied, running_etl
from tests.target.running import Database, nowhere

pytestmark = pytest.mark.integration

ROWS = 10
BAD = 2
"""Which row the tests hurt."""


@pytest.fixture(scope="module")
def _feed() -> Iterator[Feed]:
    made = Feed()
    yield made
    made.close()


@pytest.fixture(scope="module")
def _etl(database: Database, _feed: Feed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etl]:
    with running_etl(emptied(database), _feed.url, tmp_path_factory.mktemp("etl") / "log") as running:
        yield running
        assert "Traceback" not in running.log(), running.log()


@pytest.fixture
def feed(_feed: Feed, _etl: Etl) -> Iterator[Feed]:
    """A sound feed, of which all is pulled and nothing is in quarantine."""
    _feed.sound()
    _feed.next_day()
    _etl.pull()
    for row in _etl.get("/quarantine"):
        _etl.pull(row["batch_id"])
    _feed.asked.clear()
    yield _feed
    _feed.sound()


@pytest.fixture
def etl(_etl: Etl, feed: Feed) -> Etl:
    return _etl


def _count(database: Database, batch_id: str) -> tuple[int, int]:
    """(rows, distinct ids) of a batch in the database."""

    async def ask() -> tuple[int, int]:
        connection = await asyncpg.connect(database.url)
        row = await connection.fetchrow(
            "SELECT count(*), count(DISTINCT id) AS ids FROM invoices WHERE batch_id = $1", batch_id
        )
        await connection.close()
        return row["count"], row["ids"]

    return asyncio.run(ask())


def _hurt(body: dict[str, Any]) -> None:
    body["rows"][BAD]["currency"] = "USD"


def test_a_new_batch_is_loaded_whole_and_accounted_for(etl: Etl, feed: Feed):
    """Each row by its id, the sums to the cent; readers see it, and it is not stale."""
    batch_id = feed.next_day()
    pulled = etl.pull()
    assert (pulled["errors"], pulled["stale"], len(pulled["imports"])) == ([], False, 1)
    account = etl.imported()
    seen = etl.get("/invoices")
    assert (seen["batch_id"], seen["stale"], len(seen["invoices"])) == (batch_id, False, ROWS)
    assert account["rows"] == {
        "loaded": [one["id"] for one in seen["invoices"]],
        "quarantined": [],
        "rejected": [],
        "deduplicated": [],
    }
    assert (account["announced"], account["received"], account["reconciles"]) == (ROWS, ROWS, True)
    assert account["sums_cents"]["loaded"] == seen["sum_cents"] == sum(one["amount_cents"] for one in seen["invoices"])


def test_a_batch_that_comes_again_changes_nothing(etl: Etl, feed: Feed, database: Database):
    """All of it is deduplicated, and the account says so."""
    batch_id = feed.next_day()
    etl.pull()
    before = etl.get(f"/batches/{batch_id}")["invoices"]
    assert etl.pull(batch_id)["errors"] == []
    account = etl.imported()
    assert len(account["rows"]["deduplicated"]) == ROWS
    assert account["rows"]["loaded"] == []
    assert account["reconciles"]
    assert etl.get(f"/batches/{batch_id}")["invoices"] == before
    assert _count(database, batch_id) == (ROWS, ROWS)


def test_a_row_that_comes_again_with_other_content_is_quarantined(etl: Etl, feed: Feed):
    """What is loaded stays."""
    batch_id = feed.next_day()
    etl.pull()
    before = etl.get(f"/batches/{batch_id}")["invoices"]

    def swap(body: dict[str, Any]) -> None:
        body["rows"][0]["amount_cents"] += 1
        body["rows"][1]["amount_cents"] -= 1

    feed.change = swap
    etl.pull(batch_id)
    account = etl.imported()
    assert len(account["rows"]["quarantined"]) == 2
    assert account["reconciles"]
    assert etl.get(f"/batches/{batch_id}")["invoices"] == before


def test_a_bad_row_is_kept_in_quarantine_until_it_comes_whole(etl: Etl, feed: Feed):
    """With what it was, why, and in which import; the others are loaded, and readers keep the last good batch."""
    good = etl.get("/invoices")["batch_id"]
    feed.change = _hurt
    batch_id = feed.next_day()
    etl.pull()
    account = etl.imported()
    (row,) = etl.get("/quarantine")
    assert [row["row_id"]] == account["rows"]["quarantined"]
    assert (row["import_id"], row["reason"]) == (account["import_id"], "currency: USD, not EUR")
    assert '"currency": "USD"' in row["raw"]
    assert len(account["rows"]["loaded"]) == ROWS - 1
    assert (account["received"], account["reconciles"]) == (ROWS, True)
    assert etl.get("/invoices")["batch_id"] == good
    feed.sound()
    etl.pull(batch_id)
    again = etl.imported()
    assert again["rows"]["loaded"] == account["rows"]["quarantined"]
    assert len(again["rows"]["deduplicated"]) == ROWS - 1
    assert etl.get("/quarantine") == []
    assert etl.get("/invoices")["batch_id"] == batch_id


def test_a_truncated_file_is_rejected_after_three_attempts(etl: Etl, feed: Feed):
    """Nothing of it is seen; the account has the rows that were there; the next pull has it whole."""
    batch_id = feed.next_day()
    feed.change = lambda body: body["rows"].pop()
    pulled = etl.pull()
    assert pulled["stale"]
    assert sum(batch_id in path for _, path, _ in feed.asked) == 3
    account = etl.imported()
    assert (account["outcome"], account["reason"]) == ("rejected", "truncated: 9 rows, its header says 10")
    assert len(account["rows"]["rejected"]) == account["received"] == ROWS - 1
    assert account["reconciles"]
    seen = etl.get("/invoices")
    assert seen["stale"]
    assert seen["batch_id"] != batch_id
    feed.sound()
    assert etl.pull()["errors"] == []
    assert (etl.get("/invoices")["batch_id"], etl.get("/invoices")["stale"]) == (batch_id, False)


@pytest.mark.parametrize("status", [500, 503])
def test_a_feed_that_fails_is_asked_three_times(etl: Etl, feed: Feed, status: int):
    """By one trace, ever later; then readers go on with the last good batch, marked stale."""
    good = etl.get("/invoices")
    feed.status = status
    pulled = etl.pull()
    assert pulled["stale"]
    assert len(feed.asked) == 3
    traces = [trace.split("-")[1] for _, _, trace in feed.asked]
    spans = [trace.split("-")[2] for _, _, trace in feed.asked]
    assert (len(set(traces)), len(set(spans))) == (1, 3)
    assert etl.get("/invoices") == {**good, "stale": True}
    feed.sound()
    assert not etl.pull()["stale"]


def test_a_refusal_is_not_asked_again(etl: Etl, feed: Feed):
    """A 404 stays one."""
    feed.status = 404
    assert etl.pull()["stale"]
    assert len(feed.asked) == 1


def test_a_feed_that_asks_to_be_left_alone_is(etl: Etl, feed: Feed):
    """Retry-After is obeyed where it fits, else there is no other attempt."""
    feed.status, feed.headers = 503, {"Retry-After": "1"}
    etl.pull()
    at = [when for when, _, _ in feed.asked]
    assert len(at) == 3
    assert min(at[1] - at[0], at[2] - at[1]) >= 1
    feed.asked.clear()
    feed.headers = {"Retry-After": "60"}
    etl.pull()
    assert len(feed.asked) == 1


def test_pulls_at_the_same_time_load_once(etl: Etl, feed: Feed, database: Database):
    """They take turns."""
    batch_id = feed.next_day()

    async def all_at_once() -> None:
        async def pull() -> None:
            await asyncio.to_thread(etl.pull)

        await asyncio.gather(*(pull() for _ in range(5)))

    asyncio.run(all_at_once())
    assert _count(database, batch_id) == (ROWS, ROWS)
    assert etl.imported()["batch_id"] == batch_id


def test_a_body_without_an_end_is_not_read_to_it(etl: Etl, feed: Feed):
    """More than any batch holds is refused."""
    feed.next_day()
    feed.spoil = lambda content: content + b" " * 3_000_000
    assert "too long" in " ".join(etl.pull()["errors"])


@pytest.mark.parametrize("path", ["/imports/0", "/imports/9223372036854775808", "/batches/batch-2030-01-01"])
def test_what_is_not_there_is_not_found(etl: Etl, path: str):
    """404."""
    assert etl.client.get(path).status_code == 404


def test_without_a_feed_it_runs_and_says_so(database: Database, tmp_path: Path):
    """It is well by itself; its status is stale, with the reason; there is a line in the log a pull."""
    with running_etl(database, nowhere(), tmp_path / "log") as alone:
        assert alone.pull()["stale"]
        status = alone.get("/status")
        assert status["stale"]
        assert "the feed does not answer" in status["last_pull"]["errors"][0]
        assert alone.client.get("/healthz").status_code == 200
        lines = alone.log().splitlines()
    assert {line.split(":")[0] for line in lines} == {"pull"}
