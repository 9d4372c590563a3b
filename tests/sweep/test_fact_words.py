"""The facts of a link in words, each with its numbers and the fault in which it was seen."""

from __future__ import annotations

import pytest

from harness.sweep.fact_words import line
from harness.sweep.facts import Breaker, Carries, LinkFacts, Retries, Seen, WindowFact, joined
from harness.sweep.record import PlannedCell

CELLS = tuple(
    PlannedCell(f"{fault} web-db", "link", "web-db", fault, 12.0, "web", "db") for fault in ("outage", "blackhole")
)
WHAT = ("retries", "breaker")
NOT_KNOWN = Retries(Seen.UNKNOWN, reason="only 3 calls failed"), Breaker(Seen.UNKNOWN, reason="no call came")


def _window(retries=NOT_KNOWN[0], breaker=NOT_KNOWN[1], fault="outage", failed=50):
    return WindowFact(f"{fault} web-db", 60, failed, retries, breaker)


def _facts(*windows, carries=Carries.HTTP):
    return LinkFacts("web-db", "web", "db", carries, windows)


@pytest.mark.parametrize(
    ("retries", "said"),
    [
        (
            Retries(Seen.YES, 2.9, told_by="operations"),
            "web calls db 2.9 times an operation with web-db cut: it retries",
        ),
        (
            Retries(Seen.NO, 1.0, told_by="operations"),
            "web calls db once an operation with web-db cut: it does not retry",
        ),
        (
            Retries(Seen.YES, 2.0, 1.7, 2.3, "requests"),
            "web calls db 2.0 times as often with web-db cut as in calm: it retries, or asks anew for what it keeps",
        ),
        (
            Retries(Seen.NO, 1.0, 0.9, 1.1, "requests"),
            "web calls db 1.0 times as often with web-db cut as in calm: no retry seen",
        ),
        (NOT_KNOWN[0], "retries not known: with web-db cut only 3 calls failed"),
    ],
)
def test_retries_in_words(retries, said):
    """How many attempts of what, and what that means."""
    assert line(_facts(_window(retries)), CELLS).startswith(f"web-db: {said}")


@pytest.mark.parametrize(
    ("breaker", "said"),
    [
        (Breaker(Seen.YES, 0.8, 3.0), "calls stopped after 0.8 s, and came back 3 s after the heal: a breaker"),
        (Breaker(Seen.YES, 0.8, 0.1), "calls stopped after 0.8 s, and came back at once: a breaker"),
        (
            Breaker(Seen.YES, 0.8),
            "calls stopped after 0.8 s, and were not seen to come back before the next fault: a breaker",
        ),
        (Breaker(Seen.NO), "calls went on with web-db cut: no breaker seen"),
        (NOT_KNOWN[1], "breaker not known: with web-db cut no call came"),
    ],
)
def test_a_breaker_in_words(breaker, said):
    """When calls stopped and came back, or that they did not stop."""
    assert line(_facts(_window(breaker=breaker)), CELLS).endswith(said)


@pytest.mark.parametrize("carries", [Carries.OTHER, Carries.NOTHING, Carries.UNTAPPED])
def test_a_link_of_which_no_call_was_seen_has_one_clause(carries):
    """It says why, and claims neither."""
    said = line(_facts(carries=carries), CELLS)
    assert "retries" not in said
    assert "breaker" not in said


def test_a_link_that_never_failed_is_not_known():
    """Its calls had no reason."""
    said = line(_facts(), CELLS)
    assert (
        said
        == "web-db: retries not known: its calls failed in no window; breaker not known: its calls failed in no window"
    )


def test_the_window_that_tells_most_speaks():
    """What was seen before what was not, the most of it, and that before what is not known, whatever failed there."""
    some, many = Retries(Seen.YES, 2.0, told_by="operations"), Retries(Seen.YES, 3.0, told_by="operations")
    none = Retries(Seen.NO, 1.0, told_by="operations")
    found = _facts(_window(some, failed=99), _window(many, fault="blackhole"), _window(none, failed=500))
    assert found.retries.retries is many
    assert _facts(_window(failed=99), _window(none)).retries_seen is Seen.NO


def test_runs_of_a_sweep_are_joined_by_link():
    """The windows of both; a run in which nothing crossed takes nothing away."""
    first, second = _facts(_window()), _facts(_window(fault="blackhole"))
    nothing = _facts(carries=Carries.NOTHING)
    (one,) = joined([nothing, first, nothing, second])
    assert one == _facts(*first.windows, *second.windows)
