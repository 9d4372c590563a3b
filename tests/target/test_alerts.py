"""Alerts as a receiver gets them from the running services: with their end, once each, also after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.waiting import wait_until
from tests.target.feeding import Feed, emptied, running_etl
from tests.target.running import Database, Provider, nowhere, running_api, running_database
from tests.target.telling import FIRES_WITHIN_S, RESOLVES_WITHIN_S, Receiver

pytestmark = pytest.mark.integration


def test_an_open_breaker_is_told_once_and_its_end_once(
    database: Database, charging: Provider, receiver: Receiver, tmp_path: Path
):
    """However often a probe fails in between, and although the shop is started again in between."""
    told = {"ALERT_WEBHOOK_URL": receiver.url}
    with running_api(database, charging.url, tmp_path / "log", **told) as api:
        api.forget_failures()
        charging.says(500)
        for _ in range(5):
            api.buy()
        assert receiver.is_told("PaymentsBreakerOpen", "firing", FIRES_WITHIN_S)
        asked = len(charging.asked)
        assert wait_until(lambda: len(charging.asked) >= asked + 2, 15)  # two probes
        assert receiver.told()["PaymentsBreakerOpen", "resolved"] == 0
    charging.charges()
    with running_api(database, charging.url, tmp_path / "again", **told) as api:
        assert receiver.is_told("PaymentsBreakerOpen", "resolved", RESOLVES_WITHIN_S)
        api.forget_failures()
    assert receiver.told()["PaymentsBreakerOpen", "firing"] == 1
    assert receiver.told()["PaymentsBreakerOpen", "resolved"] == 1
    first, last = [
        one["alerts"][0] for one in receiver.messages if one["groupLabels"]["alertname"] == "PaymentsBreakerOpen"
    ]
    assert first["fingerprint"] == last["fingerprint"]
    assert first["startsAt"] == last["startsAt"] < last["endsAt"]


def test_bad_rows_are_told_until_they_come_whole(database: Database, receiver: Receiver, tmp_path: Path):
    """With a line that says how many; and a feed that fails, until it answers."""
    feed = Feed()
    feed.next_day()
    feed.change = lambda body: body["rows"][2].update(currency="USD")
    try:
        with running_etl(emptied(database), feed.url, tmp_path / "log", ALERT_WEBHOOK_URL=receiver.url) as etl:
            assert receiver.is_told("EtlQuarantineNotEmpty", "firing", FIRES_WITHIN_S)
            assert receiver.messages[0]["commonAnnotations"]["summary"] == "1 rows are in quarantine"
            feed.sound()
            etl.pull("batch-2026-01-01")
            assert receiver.is_told("EtlQuarantineNotEmpty", "resolved", RESOLVES_WITHIN_S)
            feed.status = 500
            etl.pull()
            assert receiver.is_told("EtlFeedStale", "firing", FIRES_WITHIN_S)
            feed.sound()
            etl.pull()
            assert receiver.is_told("EtlFeedStale", "resolved", RESOLVES_WITHIN_S)
    finally:
        feed.close()
    assert set(receiver.told().values()) == {1}
    assert len(receiver.messages) == 4


def test_a_database_that_is_gone_is_told(charging: Provider, receiver: Receiver, tmp_path: Path):
    """By the service that needs it, once, although nothing can be kept then; and taken back when it is stopped, since
    who comes after it knows nothing of it."""
    told = {"ALERT_WEBHOOK_URL": receiver.url}
    with running_database() as gone, running_api(gone, charging.url, tmp_path / "log", **told):
        gone.process.end()
        assert receiver.is_told("DatabaseUnreachable", "firing", FIRES_WITHIN_S)
        assert not wait_until(lambda: len(receiver.messages) > 1, 4)
    assert receiver.told() == {("DatabaseUnreachable", "firing"): 1, ("DatabaseUnreachable", "resolved"): 1}


def test_a_shop_whose_alerts_are_never_sent_says_nothing(
    database: Database, charging: Provider, receiver: Receiver, tmp_path: Path
):
    """The planted weakness alert-never-sent."""
    told = {"ALERT_WEBHOOK_URL": receiver.url, "WEAKNESS": "alert-never-sent"}
    with running_api(database, nowhere(), tmp_path / "log", **told) as api:
        for _ in range(5):
            api.buy()
        assert not receiver.is_told("PaymentsBreakerOpen", "firing", 4)
    with running_api(database, charging.url, tmp_path / "again") as api:
        api.forget_failures()
    assert receiver.messages == []
