"""Whether a client stops calling what fails, by what crossed its link in a sweep: seen, not seen, not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.record import Outcome
from harness.sweep.facts import Breaker, Seen
from tests.attempts import BUSY, HUNG, LINK, REFUSED, attempt, calls
from tests.breakers import END_S, FAULT, RATE, WINDOWS, load, simulated, sound
from tests.builders import fail, ok, steady, window
from tests.sweep.calling import bare, called, fact, facts, through


def _of(rows, samples=None, **more):
    more = {"windows": WINDOWS, "end_s": END_S, "samples": load() if samples is None else samples, **more}
    return fact(called(rows, **more)).breaker


def test_a_breaker_is_seen_to_stop_and_to_come_back():
    """It opens 0.62 s into the fault, after its last call, and closes at its first probe after the heal."""
    found = _of(sound())
    assert found.seen is Seen.YES
    assert found.stopped_s == pytest.approx(0.6, abs=0.05)
    assert 0 <= found.back_s <= 5.1


def test_a_breaker_that_never_closes_has_not_come_back():
    """No good call follows."""
    found = _of(sound(closes=False))
    assert (found.seen, found.back_s) == (Seen.YES, None)


def test_what_the_next_fault_keeps_away_is_not_said_to_be_late():
    """The same link is struck again before the breaker had closed: when it would have is not known."""
    again = [*WINDOWS, window("again", 31, 50, LINK)]
    found, later = facts(called(sound(reset_s=25.0), windows=again, end_s=END_S, samples=load())).windows
    assert (found.breaker.seen, found.breaker.back_s) == (Seen.YES, None)
    assert later.breaker == Breaker(Seen.UNKNOWN, reason="calls had not come back yet from an earlier fault")


def test_calls_that_go_on_are_no_breaker():
    """Each fails, and the next one comes all the same."""
    assert _of([*calls(RATE, 0, 10), *calls(RATE, *FAULT, BUSY), *calls(RATE, 30, END_S)]).seen is Seen.NO


@pytest.mark.parametrize("threshold", [0, 5])
def test_arrivals_at_random_are_told_apart(threshold):
    """With a breaker it is seen, without one it is not, in each of 20 runs."""
    words = set()
    for seed in range(20):
        rows, samples = simulated(seed, threshold=threshold)
        words.add(_of(rows, samples).seen)
    assert words == {Seen.YES if threshold else Seen.NO}


def test_who_waits_is_no_breaker():
    """A load that stands still, as its users wait for answers, sends nothing for no breaker's sake."""
    waiting = [*steady(RATE, 0, 10), *[ok(10 + n / RATE, 20_000.0 - 1000 * n / RATE) for n in range(20)]]
    rows = [*calls(RATE, 0, 10), *calls(RATE, 10, 10.5, (*HUNG[:2], 0.2)), *calls(RATE, 30, END_S)]
    assert _of(rows, [*waiting, *steady(RATE, 30, END_S)]).seen is Seen.UNKNOWN


def test_a_client_that_answers_nothing_is_no_breaker():
    """Requests come in, and none is answered: it stands still, whatever it would do."""
    silent = [replace(one, outcome=Outcome.UNKNOWN, status=0) for one in steady(RATE, 10, 30)]
    rows = [*calls(RATE, 0, 10), *calls(RATE, 10, 10.5, (*HUNG[:2], 0.2)), *calls(RATE, 30, END_S)]
    assert _of(rows, [*steady(RATE, 0, 10), *silent, *steady(RATE, 30, END_S)]).seen is Seen.UNKNOWN


def test_a_silence_that_no_failure_began_is_no_breaker():
    """A request that fails at something else first makes no call: the link is silent, and nothing failed on it."""
    rows = [*calls(RATE, 0, 10), *calls(RATE, 30, END_S)]
    found = _of(rows, [*steady(RATE, 0, 10), *[fail(10 + n / RATE) for n in range(800)], *steady(RATE, 30, END_S)])
    assert (found.seen, found.reason) == (Seen.UNKNOWN, "no call came")


def test_calls_that_were_answered_well_before_a_silence_are_no_reason_for_it():
    """Of a fault elsewhere, say: only calls that failed open a breaker."""
    rows = [*calls(RATE, 0, 10.5), *calls(RATE, 30, END_S)]
    failing = [fail(10.5 + n / RATE) for n in range(780)]
    assert _of(rows, [*steady(RATE, 0, 10.5), *failing, *steady(RATE, 30, END_S)]).seen is Seen.UNKNOWN


def test_a_silence_of_its_callers_is_no_breaker():
    """Api is asked nothing any more, as web's own breaker has opened: web has one, api is not said to have one."""
    above = [replace(row, link="web-api", path="/orders", status=row.status or 503) for row in sound()]
    built = called([*above, *sound()], entry="web", windows=WINDOWS, end_s=END_S, samples=load())
    assert fact(built, "web-api").breaker.seen is Seen.YES
    assert fact(built).breaker.seen is Seen.UNKNOWN


def test_what_a_client_was_asked_must_be_seen():
    """Else a silence may be its callers': unknown, and it says so. Calls that go on are no breaker all the same."""
    found = _of(sound(), entry="web", others={LINK: 0})
    assert found.seen is Seen.UNKNOWN
    going_on = [*calls(RATE, 0, 10), *calls(RATE, *FAULT, BUSY), *calls(RATE, 30, END_S)]
    assert _of(going_on, entry="web", others={LINK: 0}).seen is Seen.NO


def test_too_few_calls_say_what_it_takes():
    """Of one call a second twelve are due in the window, and fourteen are needed in a silence."""
    slow = [row for index, row in enumerate([*bare(0, 12), *bare(24, 30)]) if index % 20 == 0]
    tries = [attempt(12 + n / 4, REFUSED) for n in range(22)]
    found = fact(called([*slow, *tries])).breaker
    assert found.seen is Seen.UNKNOWN
    assert found.reason == "12 calls were due, and a silence of 14 is needed; a higher --rate tells"


def test_calls_that_pause_in_calm_tell_nothing():
    """Calls that come in bursts of their own are silent between, fault or no fault."""
    bursts = [row for row in through() if row.started_s % 4 < 2]
    found = fact(called(bursts)).breaker
    assert (found.seen, found.reason) == (Seen.UNKNOWN, "its calls pause in calm, too")
