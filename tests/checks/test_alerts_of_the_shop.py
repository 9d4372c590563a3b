"""The shop's own alerts, message by message: the sound ones pass, each weakness of them is caught by its point."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from harness import AlertBound, AlertFires, AlertsSilent
from harness.listening import notice_of
from harness.outpost.webhook import notices_of
from harness.record import Notice, Word
from target.alerts.board import Board
from target.alerts.webhook import Alert, message
from tests.notices import FAULT, told

OPEN = Alert("PaymentsBreakerOpen", "api", "critical", "calls to payments failed", "payments-down")
BOUND = AlertBound(symptom_s=1, scrape_s=0, evaluation_s=1, for_s=1, group_wait_s=0)
CHECK = AlertFires(OPEN.name, service="api", bound=BOUND, labels={"severity": "critical"}, resolves_within_s=6)
SILENT = AlertsSilent(evaluation_s=1)
CALM_ALARM = (5, 9)


def _sent(weakness: str = "", seen: tuple[tuple[float, float], ...] = (FAULT,)) -> list[Notice]:
    """What the shop posts, as the harness takes it. It looks each second; the alert is there in `seen`."""
    board, zero, found = Board(frozenset([weakness]), for_s=1, keep_s=3), datetime(2026, 1, 1, tzinfo=UTC), []
    for at_s in range(80):
        now = zero + timedelta(seconds=at_s)
        for news in board.look([OPEN] if any(a < at_s <= b for a, b in seen) else [], now):
            board.told(news)
            if weakness != "alert-never-sent":
                body = json.dumps(message(news.alert, news.started, news.ended, "runbooks", "http://api:8000"))
                found += [notice_of(one, at_s + 0.1) for one in notices_of(body.encode())]
    return found


def test_sound_alerts_pass():
    """In time, once, resolved, and silent in calm."""
    for check in (CHECK, SILENT):
        verdict = check.check(told(_sent()))
        assert verdict.word is Word.PASS, verdict.sentence


@pytest.mark.parametrize(
    ("weakness", "point"),
    [("alert-never-sent", "fires"), ("alert-never-resolves", "resolves"), ("alert-flaps", "once")],
)
def test_each_weakness_is_caught_by_its_point(weakness, point):
    """And in calm nobody hears of it."""
    verdict = CHECK.check(told(_sent(weakness)))
    assert verdict.word is Word.FAIL
    assert str(verdict.evidence[point]).startswith("fail: "), verdict.evidence
    assert SILENT.check(told(_sent(weakness))).word is Word.PASS


def test_an_alarm_in_calm_is_caught():
    """By the check of silence, and by that of the alert."""
    loud = told(_sent(seen=(CALM_ALARM, FAULT)))
    assert SILENT.check(loud).word is Word.FAIL
    assert "before payments slow began" in CHECK.check(loud).sentence
