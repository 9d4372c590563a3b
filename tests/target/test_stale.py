"""When readers are told that data is stale: by pulls that fail or stay out, not by a machine that stands still."""

from __future__ import annotations

from typing import cast

import pytest

from target.billing.ledger import Ledger
from target.etl.loader import Loader
from target.etl.metrics import Metrics
from target.etl.source import Feed
from target.etl.store import Store
from target.etl.worker import Worker
from target.settings import Settings


@pytest.mark.parametrize(("every_s", "after_s", "stale"), [(0.1, 1.5, False), (0.1, 2.5, True), (2.0, 9.0, False)])
def test_a_pull_that_takes_a_second_is_not_missed(monkeypatch, every_s, after_s, stale):
    """Five pulls are waited for, and two seconds at least: scenarios pull ten times a second, on busy machines."""
    now_s = 100.0
    monkeypatch.setattr("target.etl.worker.time.monotonic", lambda: now_s)
    settings, nobody = Settings(pull_every_s=every_s), object()
    worker = Worker(
        cast("Feed", nobody),
        cast("Store", nobody),
        cast("Loader", nobody),
        cast("Ledger", nobody),
        settings,
        Metrics(),
    )
    now_s += after_s
    assert worker.stale is stale
