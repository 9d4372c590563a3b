"""AccountSays: a fallback is told as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from harness import AccountSays
from harness.record import Account, History, Word
from tests.builders import history, steady, window

CHECK = AccountSays("etl", "/invoices", "stale", True, within_s=3, every_s=1)


def _with(accounts: Iterable[Account], *, windows: bool = True) -> History:
    """A run of 40 s with a fault from 10 to 20 s."""
    built = history(steady(10, 0, 40), windows=[window("outage", 10, 20)] if windows else [], end_s=40)
    return replace(built, accounts=tuple(accounts))


def _told(stale_from_s: float, stale_to_s: float, *, windows: bool = True, status: int = 200) -> History:
    """A run in which the service says `stale` in that time."""
    told = (
        Account(at_s, "etl", "/invoices", status, {"stale": stale_from_s <= at_s < stale_to_s}) for at_s in range(40)
    )
    return _with(told, windows=windows)


def test_who_tells_of_the_fallback_passes():
    """Within its time after the fault began, and within its time after the heal."""
    verdict = CHECK.check(_told(12, 22))
    assert verdict.word is Word.PASS
    assert "only then" in verdict.sentence


def test_a_fallback_that_lies_is_seen():
    """It serves what is old, and says that it is new."""
    verdict = CHECK.check(_told(50, 60))
    assert verdict.word is Word.FAIL
    assert "False at 13.0 s in outage" in verdict.sentence


@pytest.mark.parametrize(("start_s", "end_s", "where"), [(0, 22, "calm"), (12, 40, "recovery")])
def test_who_says_so_at_other_times_is_seen(start_s, end_s, where):
    """Always stale is as much a lie as never."""
    verdict = CHECK.check(_told(start_s, end_s))
    assert verdict.word is Word.FAIL
    assert f"in {where}" in verdict.sentence


def test_a_calm_run_asks_for_silence_only():
    """Without a fault the value must never be seen."""
    assert CHECK.check(_told(50, 60, windows=False)).word is Word.PASS
    assert CHECK.check(_told(5, 6, windows=False)).word is Word.FAIL


def test_the_warm_up_is_no_calm():
    """Who has just been started may have nothing that is fresh yet."""
    told = _told(12, 22)
    early = Account(-2.0, "etl", "/invoices", 200, {"stale": True})
    assert CHECK.check(replace(told, accounts=(early, *told.accounts))).word is Word.PASS


def test_without_answers_nothing_is_said():
    """Errors are no accounts, and the sentence says what came."""
    verdict = CHECK.check(_told(12, 22, status=503))
    assert verdict.word is Word.UNKNOWN
    assert "40 times 503" in verdict.sentence


def test_a_window_that_is_too_short_is_not_judged():
    """Of ten seconds nine are given, and three readings must be left."""
    verdict = AccountSays("etl", "/invoices", "stale", True, within_s=9, every_s=1).check(_told(12, 22))
    assert verdict.word is Word.UNKNOWN
    assert "let it last longer" in verdict.sentence


def test_a_field_in_a_field():
    """`outer.inner`; one that is not there is none of the values."""
    built = _with(Account(at_s, "etl", "/s", 200, {"a": {"b": 13 <= at_s < 20}}) for at_s in range(40))
    assert AccountSays("etl", "/s", "a.b", True, within_s=3).check(built).word is Word.PASS
    assert AccountSays("etl", "/s", "a.c", True, within_s=3).check(built).word is Word.FAIL
