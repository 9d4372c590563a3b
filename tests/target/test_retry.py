"""Retries: how many, how far apart, when none. Sleeps are written down instead of slept."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from target.retry import Budget, Policy, Refused, Retries, Unavailable, retry_after_s

POLICY = Policy(attempts=3, base_s=0.1, cap_s=1.0, attempt_s=0.35, total_s=60.0)
OPERATIONS = 400


class Away:
    """Raises one error each time, or as often as it is told; counts the calls and what was slept between them."""

    def __init__(self, error: Exception, failures: int = 10**6) -> None:
        self._error, self._failures = error, failures
        self.calls, self.slept = 0, []

    async def once(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _call(away: Away, *weakness: str, policy: Policy = POLICY, budget: Budget | None = None) -> str:
    retries = Retries(policy, frozenset(weakness), budget, sleep=away.sleep)
    try:
        return asyncio.run(retries.call(away.once))
    except (Unavailable, Refused) as error:
        return type(error).__name__


def _waits(*weakness: str) -> tuple[list[float], list[float]]:
    """The first and the second waits of many operations."""
    first, second = [], []
    for _ in range(OPERATIONS):
        away = Away(Unavailable("away"))
        _call(away, *weakness)
        first.append(away.slept[0])
        second.append(away.slept[1])
    return first, second


@pytest.mark.parametrize(("failures", "calls", "ends"), [(0, 1, "done"), (2, 3, "done"), (3, 3, "Unavailable")])
def test_three_attempts_and_none_after_success(failures: int, calls: int, ends: str):
    """At most three, and what the last one said."""
    away = Away(Unavailable("away"), failures)
    assert (_call(away), away.calls) == (ends, calls)


@pytest.mark.parametrize("error", [Refused("status 402"), Unavailable("status 429", soon=False)])
def test_what_another_try_cannot_mend_is_tried_once(error: Exception):
    """A refusal, and whoever asks to be left alone without saying how long."""
    away = Away(error)
    _call(away)
    assert away.calls == 1


def test_what_nobody_foresaw_is_not_retried():
    """A defect of ours is no failure of theirs."""
    away = Away(KeyError("typo"))
    with pytest.raises(KeyError):
        _call(away)
    assert away.calls == 1


def test_waits_double_and_are_spread_from_nothing():
    """Full jitter: anywhere from 0 to a bound, which doubles. Seen over many operations, as only then it can be."""
    first, second = _waits()
    assert max(first) <= 0.1 < max(second) <= 0.2
    assert min(first) < 0.02
    assert min(second) < 0.04
    assert statistics.mean(second) / statistics.mean(first) == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize(
    ("weakness", "first", "second"),
    [("no-jitter", {0.1}, {0.2}), ("no-jitter,constant-backoff", {0.1}, {0.1})],
)
def test_without_jitter_the_waits_are_the_same_each_time(weakness: str, first: set[float], second: set[float]):
    """The planted weakness no-jitter."""
    assert tuple(map(set, _waits(*weakness.split(",")))) == (first, second)


def test_a_constant_backoff_does_not_grow():
    """The planted weakness constant-backoff."""
    first, second = _waits("constant-backoff")
    assert statistics.mean(second) / statistics.mean(first) == pytest.approx(1, rel=0.2)


def test_retry_after_is_obeyed_where_it_fits():
    """Never sooner; and where the time is not left, there is no other try."""
    patient = Away(Unavailable("status 503", after_s=2.0))
    _call(patient)
    assert patient.slept == [2.0, 2.0]
    hurried = Away(Unavailable("status 503", after_s=2.0))
    _call(hurried, policy=Policy(attempts=3, base_s=0.1, cap_s=1.0, attempt_s=0.35, total_s=2.3))
    assert (hurried.calls, hurried.slept) == (1, [])


def test_no_attempt_begins_that_could_end_too_late():
    """What is left must hold a whole attempt."""
    away = Away(Unavailable("away"))
    _call(away, policy=Policy(attempts=3, base_s=0.1, cap_s=1.0, attempt_s=0.5, total_s=0.45))
    assert away.calls == 1


def test_retries_are_a_fifth_of_the_calls():
    """And ten more at first: whoever is down is not asked three times by everybody."""
    budget, calls = Budget(), 0
    for _ in range(1000):
        away = Away(Unavailable("away"))
        _call(away, budget=budget)
        calls += away.calls
    assert 1195 <= calls <= 1211


@pytest.mark.parametrize(
    ("weakness", "error", "calls"),
    [
        ("no-retry", Unavailable("away"), 1),
        ("retry-storm", Unavailable("away"), 27),
        ("retry-4xx", Refused("status 402"), 3),
    ],
)
def test_a_weakness_makes_too_few_or_too_many(weakness: str, error: Exception, calls: int):
    """The planted weaknesses no-retry, retry-storm and retry-4xx."""
    away = Away(error)
    _call(away, weakness)
    assert away.calls == calls


def test_nobody_stops_a_retry_for_ever():
    """The planted weakness retry-forever: long after the third attempt it still tries."""
    away = Away(Unavailable("away"), failures=50)
    assert _call(away, "retry-forever") == "done"
    assert away.calls == 51


def _in_s(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (lambda: "2", 2),
        (lambda: " 0 ", 0),
        (lambda: _in_s(30), 29),
        (lambda: _in_s(-30), 0),
        (lambda: "999999999", 3600),
        (lambda: None, None),
        (lambda: "", None),
        (lambda: "soon", None),
        (lambda: "-5", None),
        (lambda: "1.5", None),
        (lambda: "9" * 5000, None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: Callable[[], str | None], wait_s: float | None):
    """What cannot be read asks for nothing."""
    found = retry_after_s(header())
    assert found == (wait_s if wait_s is None else pytest.approx(wait_s, abs=1.5))
