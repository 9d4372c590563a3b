"""Intended starts of the open model, against what the rate says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.arrivals import intended_ns
from harness.model import Load


def test_an_even_load_is_evenly_spaced_from_zero():
    """Fifty a second are twenty milliseconds apart, and the first is at 0."""
    due = intended_ns([(0, 50)], 10)
    assert len(due) == 500
    assert due[0] == 0
    assert set(np.diff(due)) == {20_000_000}


def test_the_warm_up_lies_before_zero():
    """It goes at the first rate, and is in no statistic."""
    due = intended_ns([(0, 50)], 10, warmup_s=2)
    assert (due < 0).sum() == 100
    assert due.min() == -2_000_000_000


def test_a_ramp_sends_the_area_under_it():
    """From 0 to 100 over ten seconds are 500 arrivals, half of them after 7.07 s."""
    due = intended_ns(Load("a.py", ramp=(0, 100, 10)).rates, 10) / 1e9
    assert len(due) == 500
    assert np.median(due) == pytest.approx(7.07, abs=0.05)


def test_steps_keep_their_rates():
    """Each step sends its own rate for its own time."""
    due = intended_ns(Load("a.py", steps=((10, 5), (100, 5), (0, 5))).rates, 15) / 1e9
    assert np.histogram(due, bins=[0, 5, 10, 15])[0].tolist() == pytest.approx([50, 500, 0], abs=1)


def test_poisson_arrivals_are_seeded():
    """The same seed gives the same arrivals, another seed others; the gaps are exponential."""
    one, same, other = (intended_ns([(0, 200)], 50, arrivals="poisson", seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    gaps = np.diff(one)
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.05)
    assert len(one) == pytest.approx(10_000, abs=400)


def test_a_load_beyond_reason_is_refused():
    """A rate with three zeros too many is an error, not a full memory."""
    with pytest.raises(ValueError, match="at most 50,000,000"):
        intended_ns([(0, 1e6)], 3600)


@given(
    st.lists(st.tuples(st.floats(0.5, 20), st.floats(0, 300)), min_size=1, max_size=5),
    st.floats(1, 60),
    st.sampled_from(["even", "poisson"]),
)
def test_times_rise_and_stay_inside(steps, end_s, arrivals):
    """Whatever the rates, no arrival is before another or after the end."""
    at_s, rates = 0.0, []
    for length_s, rate in steps:
        rates += [(at_s, rate), (at_s + length_s, rate)]
        at_s += length_s
    due = intended_ns(rates, end_s, arrivals=arrivals)
    assert (np.diff(due) >= 0).all()
    assert len(due) == 0 or (due[0] >= 0 and due[-1] < end_s * 1e9)
