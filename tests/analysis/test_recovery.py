"""Recovery time, against histories whose truth is known."""

from __future__ import annotations

import pytest

from harness.analysis.recovery import recovery
from tests.builders import failing, history, steady, window

WINDOWS = [window("gone", 20, 30, "api-postgres", cuts=True)]
RATE = 60


def _run(bad_until_s, end_s=60.0, oscillating=False):
    samples = steady(RATE, 0, 20) + failing(steady(RATE, 20, bad_until_s))
    if oscillating:
        for second in range(int(bad_until_s), int(end_s)):
            part = steady(RATE, second, second + 1)
            samples += failing(part) if second % 4 < 2 else part
    else:
        samples += steady(RATE, bad_until_s, end_s)
    return history(samples, WINDOWS, end_s=end_s)


@pytest.mark.parametrize("late_s", [0, 1, 4, 9])
def test_it_reads_the_planted_recovery_time(late_s):
    """What was bad for n seconds more is back within a second of n."""
    seen = recovery(_run(30 + late_s))
    assert seen.seconds is not None
    assert abs(seen.seconds - late_s) <= 1


def test_a_system_that_swings_is_not_called_healthy():
    """The first touch of the baseline is no recovery."""
    seen = recovery(_run(30, oscillating=True))
    assert seen.seconds is None
    assert not seen.too_short
    assert "not back" in seen.reason


def test_a_run_that_ends_too_soon_says_so():
    """Too little time to see it is not the same as not recovered."""
    seen = recovery(_run(30, end_s=37))
    assert (seen.seconds, seen.too_short) == (None, True)


def test_without_a_baseline_nothing_is_said():
    """There must be something to recover to."""
    built = history(steady(RATE, 0, 60), [window("gone", 0.5, 30)], end_s=60)
    assert recovery(built).too_short


def test_one_endpoint_may_be_looked_at_alone():
    """An endpoint that stays down is seen beside one that is back."""
    back, down = steady(RATE, 0, 60, endpoint="GET /a"), steady(RATE, 0, 20, endpoint="GET /b")
    down += failing(steady(RATE, 20, 60, endpoint="GET /b"))
    built = history(back + down, WINDOWS, end_s=60)
    assert recovery(built, endpoint="GET /a").seconds == 0
    assert recovery(built, endpoint="GET /b").seconds is None
