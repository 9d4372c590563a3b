"""The states of a breaker, told from the calls that arrive: on breakers whose states are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.breaker import State, calls_of, states
from tests.attempts import HUNG, LINK, OK, attempt, calls
from tests.breakers import END_S, FAULT, RATE, load, seen, sound
from tests.builders import steady, unknown

CLOSED, OPEN, HALF = State.CLOSED, State.OPEN, State.HALF_OPEN


def _states(rows, samples=None):
    built = seen(rows, samples)
    return states(built, calls_of(built, LINK))


def _poisson(rate_per_s, seed, start_s=0.0, end_s=END_S):
    rng = np.random.default_rng(seed)
    at_s = start_s + np.cumsum(rng.exponential(1 / rate_per_s, int(2 * rate_per_s * (end_s - start_s))))
    return [attempt(float(one), OK, key=f"p{n}") for n, one in enumerate(at_s[at_s < end_s])]


def test_a_sound_breaker_is_seen_as_it_is():
    """Closed, open, half-open and open anew at each failing probe, closed at the first good one; without a hole."""
    found = _states(sound())
    kinds = [CLOSED, OPEN, *[HALF, OPEN] * 3, HALF, CLOSED]
    assert [one.state for one in found] == kinds
    assert found[0].start_s == 0
    assert found[-1].end_s == END_S
    assert all(one.end_s == after.start_s for one, after in itertools.pairwise(found))
    assert found[1].start_s == pytest.approx(10.6, abs=0.03)
    assert [one.length_s for one in found if one.state is OPEN] == pytest.approx([5.02, 5, 5, 5], abs=0.03)
    assert [(one.calls, one.failed, one.at_once) for one in found if one.state is HALF] == [(1, 1, 1)] * 3 + [(1, 0, 1)]


def test_the_calls_of_all_states_are_all_calls():
    """None is lost between two, none counted twice."""
    rows = sound(at_once=7, after_probe=(0.2,))
    assert sum(one.calls for one in _states(rows)) == len(rows)


def test_how_many_were_let_through_at_once_is_counted():
    """Those that came before the first was over."""
    assert {one.at_once for one in _states(sound(at_once=20)) if one.state is HALF and one.failed} == {20}


def test_a_client_that_hangs_has_no_open_breaker():
    """Ten connections that wait four seconds each leave silences in which calls are under way."""
    hung = [attempt(10 + 4 * turn, ("unknown", 0, 4.0)) for turn in range(5) for _ in range(10)]
    found = _states([*calls(RATE, 0, 10), *hung, *calls(RATE, 30, 60)])
    assert [one.state for one in found] == [CLOSED]


def test_a_client_that_stands_still_has_no_open_breaker():
    """Where its requests are not answered either, nothing is said of its breaker."""
    rows = [*calls(RATE, 0, 10), *calls(RATE, 13, 60)]
    frozen = [*steady(RATE, 0, 10), *(unknown(10 + n / RATE, 3000 + n) for n in range(120)), *steady(RATE, 14, 60)]
    assert [one.state for one in _states(rows, frozen)] == [CLOSED]
    assert [one.state for one in _states(rows)] == [CLOSED, OPEN, HALF, CLOSED]


def test_where_the_load_pauses_nothing_was_due():
    """The silence of a link under no load is no open breaker."""
    rows = [*calls(RATE, 0, 10), *calls(RATE, 15, 60)]
    assert [one.state for one in _states(rows, [*steady(RATE, 0, 10), *steady(RATE, 15, 60)])] == [CLOSED]


def test_one_that_never_closes_is_open_to_the_end():
    """And is half-open whenever a probe fails."""
    found = _states(sound(closes=False))
    assert (found[-1].state, found[-1].end_s) == (OPEN, END_S)


def test_one_that_was_open_from_the_start_is_known_by_its_rate_later():
    """Unless the calm had no call at all: then there is nothing to compare with."""
    assert [one.state for one in _states([*calls(RATE, 5, 60)])] == [OPEN, HALF, CLOSED]
    assert _states(calls(RATE, *FAULT, HUNG), load()) == ()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(2, 100))
def test_arrivals_at_random_are_no_open_breaker(seed, rate_per_s):
    """However a calm run's calls fall."""
    rows = _poisson(rate_per_s, seed)
    assert {one.state for one in _states(rows, steady(rate_per_s, 0, END_S))} == {CLOSED}
