"""The defects that can be planted in the etl, each as its own account or its readers see it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.target.feeding import Feed, emptied, running_etl
from tests.target.running import Database, running_database

pytestmark = pytest.mark.integration

ROWS = 10


@pytest.fixture
def feed() -> Iterator[Feed]:
    made = Feed()
    made.next_day()
    yield made
    made.close()


@pytest.fixture(scope="module")
def own_database() -> Iterator[Database]:
    """For data that is wrong on purpose."""
    with running_database() as running:
        yield running


@pytest.fixture
def empty(own_database: Database) -> Database:
    return emptied(own_database)


def _hurt(body: dict[str, Any]) -> None:
    body["rows"][2]["currency"] = "USD"


def test_dropped_rows_are_missing_in_the_account(empty: Database, feed: Feed, tmp_path: Path):
    """etl-drops-rows: what cannot be loaded is gone."""
    feed.change = _hurt
    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS="etl-drops-rows") as etl:
        etl.pull()
        account = etl.imported()
        assert (account["announced"], account["received"], account["reconciles"]) == (ROWS, ROWS - 1, False)
        assert etl.get("/quarantine") == []


def test_what_is_loaded_twice_is_there_twice(empty: Database, feed: Feed, tmp_path: Path):
    """etl-double-loads: a batch that comes again is loaded again."""
    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS="etl-double-loads") as etl:
        etl.pull()
        etl.pull("batch-2026-01-01")
        assert len(etl.get("/batches/batch-2026-01-01")["invoices"]) == 2 * ROWS
        assert len(etl.imported()["rows"]["loaded"]) == ROWS


@pytest.mark.parametrize(("weakness", "left"), [("", None), ("etl-partial-commit", 4)])
def test_half_a_batch_can_be_seen(empty: Database, feed: Feed, tmp_path: Path, weakness: str, left: int | None):
    """etl-partial-commit: what fails in its middle leaves its first rows behind; a sound etl leaves nothing."""
    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS=weakness) as etl:
        etl.pull()
        fifth = "ALTER TABLE invoices ADD CONSTRAINT fifth CHECK (id NOT LIKE '%02-05') NOT VALID"
        asyncio.run(empty.execute(fifth))
        feed.next_day()
        assert etl.client.post("/pull").status_code == 500
        seen = etl.get("/batches/batch-2026-01-02")
    assert (len(seen["invoices"]) if "invoices" in seen else None) == left


def test_a_lie_says_that_nothing_is_stale(empty: Database, feed: Feed, tmp_path: Path):
    """fallback-lies: the last good batch passes for the newest."""
    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS="fallback-lies") as etl:
        etl.pull()
        feed.status = 500
        assert etl.pull()["stale"]
        assert etl.get("/invoices")["stale"] is False


@pytest.mark.parametrize(("weakness", "attempts"), [("no-retry", 1), ("retry-storm", 27)])
def test_there_are_too_few_attempts_or_too_many(
    empty: Database, feed: Feed, tmp_path: Path, weakness: str, attempts: int
):
    """no-retry, retry-storm."""
    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS=weakness) as etl:
        etl.pull()
        feed.asked.clear()
        feed.status = 500
        etl.pull()
        assert len(feed.asked) == attempts
