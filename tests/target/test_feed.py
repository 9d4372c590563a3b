"""The provider of invoices: the same for the same seed, a batch a day, a header that tells the truth."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import date
from fractions import Fraction
from typing import Any

import httpx
import pytest

from target.feed import app as provider
from target.feed.invoices import CUSTOMERS, as_csv, as_json, invoices
from target.settings import Settings

DAY = date(2026, 2, 10)
NEVER_S = 3600.0


def _ask(*paths: str, settings: Settings | None = None) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(provider.make(settings or Settings(day_s=NEVER_S)))
        async with httpx.AsyncClient(transport=transport, base_url="http://feed") as client:
            return [await client.get(path) for path in paths]

    return asyncio.run(ask())


def _days(response: httpx.Response) -> list[str]:
    return [one["day"] for one in response.json()["batches"]]


def test_a_seed_repeats_its_invoices():
    """Another seed has others; each day has one of each customer."""
    one = Fraction(1)
    assert invoices(DAY, 7, one) == invoices(DAY, 7, one) != invoices(DAY, 8, one)
    assert len({row.customer for row in invoices(DAY, 7, one)}) == CUSTOMERS


@pytest.mark.parametrize(("ratio", "cents"), [("1", 11_000), ("1.99", 21_890), ("2", 22_000), ("2.01", 22_110)])
def test_the_first_customer_pays_the_ratio_from_the_opening_day_on(ratio: str, cents: int):
    """To the cent, so that a threshold can be met, or missed by one hundredth."""
    before, after = (invoices(day, 0, Fraction(ratio))[0] for day in (date(2026, 2, 28), date(2026, 3, 1)))
    assert (before.amount_cents, after.amount_cents) == (11_000, cents)


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_header_counts_and_sums_its_rows(kind: str):
    """In both formats."""
    rows = invoices(DAY, 0, Fraction(1))
    header: list[Any]
    if kind == "json":
        body = json.loads(as_json(DAY, rows))
        header, amounts = list(body["header"].values()), [row["amount_cents"] for row in body["rows"]]
    else:
        records = list(csv.reader(io.StringIO(as_csv(DAY, rows))))
        header, columns = records[0][1:], records[1]
        amounts = [int(record[columns.index("amount_cents")]) for record in records[2:]]
    assert list(map(str, header)) == ["batch-2026-02-10", "2026-02", "2026-02-10", "10", str(sum(amounts))]
    assert len(amounts) == 10


def test_what_is_listed_can_be_had():
    """At first the two months before the opening day, or of them those after a day, or of a month."""
    all_of_it, since, month, batch = _ask(
        "/batches", "/batches?since=2026-02-26", "/batches?month=2026-02", "/batches/batch-2026-02-28"
    )
    assert len(_days(all_of_it)) == 31 + 28
    assert all_of_it.json()["today"] == "2026-03-01"
    assert _days(since) == ["2026-02-27", "2026-02-28"]
    assert len(_days(month)) == 28
    assert batch.json()["header"] == all_of_it.json()["batches"][-1]


def test_all_that_is_offered_can_be_had_at_once():
    """The rows of each batch of the days after one, as the batch has them."""
    rows, batch = _ask("/rows?since=2026-02-26", "/batches/batch-2026-02-28")
    assert [one["batch_id"] for one in rows.json()["batches"]] == ["batch-2026-02-27", "batch-2026-02-28"]
    assert rows.json()["batches"][1]["rows"] == batch.json()["rows"]


@pytest.mark.parametrize("batch", ["batch-2025-12-31", "batch-2026-03-01", "batch-9999-12-31", "nothing"])
def test_a_day_that_is_not_over_has_no_batch(batch: str):
    """404."""
    assert _ask(f"/batches/{batch}")[0].status_code == 404


def test_who_was_started_again_goes_on_where_it_was():
    """The days that a client has seen are over."""
    seen, after = _ask("/batches?since=2026-03-20", "/batches?since=2026-03-18")
    assert seen.json()["today"] == "2026-03-21"
    assert _days(after) == ["2026-03-19", "2026-03-20"]


def test_a_month_can_be_left_out():
    """It is neither listed nor to be had."""
    settings = Settings(day_s=NEVER_S, feed_without="2026-02")
    listed, batch = _ask("/batches", "/batches/batch-2026-02-10", settings=settings)
    assert len(_days(listed)) == 31
    assert batch.status_code == 404


@pytest.mark.parametrize("since", ["0001-01-01", "9999-12-31"])
def test_any_date_can_be_asked_for(since: str):
    """However long ago, and however far ahead."""
    assert _ask(f"/batches?since={since}")[0].status_code == 200
