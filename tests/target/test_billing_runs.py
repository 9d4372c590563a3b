"""Billing as it runs: the feed's days go by, the etl pulls them, and what is wrong with the bills is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.waiting import wait_until
from tests.target.feeding import Etl, emptied, running_etl
from tests.target.running import Database, running_service

pytestmark = pytest.mark.integration

FEBRUARY_CENTS = 28 * 11_000
MISSING = ("missing", "2026-02")


def _findings(etl: Etl) -> list[dict[str, Any]]:
    return list(etl.get("/billing")["findings"])


@pytest.mark.parametrize(
    ("feed", "weakness", "found"),
    [
        ({"FEED_RATIO": "1.99"}, "", set()),
        ({"FEED_RATIO": "2"}, "", set()),
        ({"FEED_RATIO": "2.01"}, "", {("above", "2026-03")}),
        ({"FEED_RATIO": "2"}, "billing-threshold-off-by-one", {("above", "2026-03")}),
        ({"FEED_RATIO": "1.9"}, "billing-month-length", {("above", "2026-03")}),
        ({"FEED_WITHOUT": "2026-02"}, "", {MISSING}),
        ({"FEED_WITHOUT": "2026-02"}, "billing-ignores-missing", set()),
    ],
)
def test_the_fourth_of_march_tells(
    database: Database, tmp_path: Path, feed: dict[str, str], weakness: str, found: set[tuple[str, str]]
):
    """Three days are over: more than twice February by the day is told, and a February that is not there."""
    days = {"DAY_S": "0.25"}
    with (
        running_service("feed", tmp_path / "feed", {**days, **feed}) as (url, _),
        running_etl(emptied(database), url, tmp_path / "etl", WEAKNESS=weakness, **days) as etl,
    ):
        assert wait_until(lambda: etl.pull()["errors"] == [] and etl.get("/status")["today"] >= "2026-03-05", 15)
        assert {(one["kind"], one["month"]) for one in _findings(etl)} == found
        if feed.get("FEED_RATIO") == "2.01":
            assert [one["customer"] for one in _findings(etl)] == ["customer-01"]
            february = etl.get("/billing/2026-02")
            assert (february["days"], february["through"]) == (28, "2026-02-28")
            assert february["customers"]["customer-01"]["bought_cents"] == FEBRUARY_CENTS
