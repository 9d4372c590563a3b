"""How gaps grow, how surely that is known, and how many operations it takes: by trial, on laws that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.backoff import Jitter, backoff, operations_needed, waits
from harness.analysis.operations import operations
from tests.attempts import BUSY, LINK, attempts
from tests.attempts import operations as many

LAWS = {Jitter.NONE: (1.0, 1.0), Jitter.SMALL: (0.8, 1.2), Jitter.EQUAL: (0.5, 1.0), Jitter.FULL: (0.0, 1.0)}
TRIALS = 2000


def _gaps(rng, jitter, count, factor=2.0, tries=3, base_s=0.1):
    low, high = LAWS[jitter]
    return base_s * factor ** np.arange(tries - 1) * rng.uniform(low, high, (count, tries - 1))


def _wrong(jitter, count, trials=100_000):
    """The worse share of trials in which the estimate is on the wrong side of the middle between x2 and constant.

    Of two gaps each the estimate is the second mean over the first (the test below this one), so many can be tried.
    """
    shares = []
    for factor in (1.0, 2.0):
        rng = np.random.default_rng(5)
        first, second = rng.uniform(*LAWS[jitter], (2, trials, count)).mean(axis=2)
        right = (factor * second > 2**0.5 * first) == (factor > 1)
        shares.append(1 - float(right.mean()))
    return max(shares)


@pytest.mark.parametrize(
    ("jitter", "needed", "too_few"),
    [(Jitter.NONE, 1, None), (Jitter.SMALL, 2, 1), (Jitter.EQUAL, 5, 2), (Jitter.FULL, 40, 20)],
)
def test_so_many_operations_tell_doubling_from_constant_gaps(jitter, needed, too_few):
    """With 1 % of error at most; with fewer there is more."""
    assert operations_needed(jitter) == needed
    assert _wrong(jitter, needed) <= 0.01
    if too_few:
        assert _wrong(jitter, too_few) > 0.01


def test_of_two_gaps_the_factor_is_the_second_mean_over_the_first():
    """The closed form gives what a reader would reckon by hand."""
    gaps = _gaps(np.random.default_rng(2), Jitter.FULL, 40)
    assert backoff(gaps).factor == pytest.approx(gaps[:, 1].mean() / gaps[:, 0].mean())


@pytest.mark.parametrize("count", [5, 10, 20, 39])
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_too_few_operations_are_not_taken_for_enough(count, factor):
    """Full jitter that looks like less, and is on the wrong side too, is rarer than 1 in 100."""
    rng = np.random.default_rng(13)
    found = [backoff(_gaps(rng, Jitter.FULL, count, factor)) for _ in range(TRIALS)]
    assert np.mean([one.enough and (one.factor > 2**0.5) != (factor > 1) for one in found]) < 0.01


@pytest.mark.parametrize("jitter", LAWS)
@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0, 3.0])
def test_the_interval_holds_the_truth(jitter, factor):
    """In 99 of 100 trials, whatever the jitter; and the estimate is in it."""
    rng = np.random.default_rng(7)
    held = []
    for _ in range(400):
        found = backoff(_gaps(rng, jitter, max(5, operations_needed(jitter)), factor, tries=4))
        assert found.low <= found.factor <= found.high
        held.append(found.low - 1e-9 <= factor <= found.high + 1e-9)
    assert np.mean(held) >= 0.985


@pytest.mark.parametrize("jitter", LAWS)
@pytest.mark.parametrize(("count", "share"), [(10, 0.9), (60, 0.98)])
def test_the_kind_of_jitter_is_told(jitter, count, share):
    """More surely of more operations; none is never taken for some, nor some for none."""
    rng = np.random.default_rng(11)
    found = [backoff(_gaps(rng, jitter, count)).jitter for _ in range(300)]
    assert np.mean([one is jitter for one in found]) > share
    assert all((one is Jitter.NONE) == (jitter is Jitter.NONE) for one in found)


def test_late_timers_are_no_jitter():
    """Up to 5 ms late, and one gap of a hundred that a pause made long; nor 1 ms of gaps of 5."""
    rng = np.random.default_rng(3)
    short = _gaps(rng, Jitter.NONE, 100, base_s=0.005) + rng.uniform(0, 0.0015, (100, 2))
    assert backoff(short).jitter is Jitter.NONE
    gaps = _gaps(rng, Jitter.NONE, 100) + rng.uniform(0, 0.005, (100, 2))
    gaps[7, 0] += 0.5
    found = backoff(gaps)
    assert found.jitter is Jitter.NONE
    assert found.factor == pytest.approx(2.0, rel=0.1)


def test_gaps_that_reach_a_cap_are_asked_before_it():
    """Six gaps that stop growing at the fourth double all the same."""
    assert backoff([(0.1, 0.2, 0.4, 0.8, 0.8, 0.8)] * 5).factor == pytest.approx(2.0)
    assert backoff([(0.3,) * 6] * 5).factor == pytest.approx(1.0)


@pytest.mark.parametrize("cap_s", [0.5, 0.6, 0.7])
def test_a_cap_in_the_middle_of_a_step_hides_no_growth(cap_s):
    """The gap that reaches it grows by less than the ones before; two that lie at it show the cap."""
    gaps = [tuple(min(cap_s, 0.1 * 2**k) for k in range(5))] * 5
    assert backoff(gaps).factor == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize("cap_s", [0.4, 0.5, 0.7])
def test_jitter_makes_no_cap_late(cap_s):
    """Of ten attempts most gaps are at the cap, and which of their means is largest is chance: 99 of 100 are told."""
    rng = np.random.default_rng(17)
    means = np.minimum(cap_s, 0.1 * 2.0 ** np.arange(9))
    found = [backoff(means * rng.uniform(0, 1, (50, 9))) for _ in range(200)]
    assert np.mean([one.high > 1.8 and one.factor > 2**0.5 for one in found]) >= 0.98


def test_the_last_gap_alone_may_be_at_a_cap():
    """Whether 100, 200, 300 ms are doubled up to a cap or grow ever less, both are told; constant gaps are constant."""
    found = backoff([(0.1, 0.2, 0.3)] * 5)
    assert found.factor == pytest.approx(3**0.5)
    assert found.if_capped[0] == pytest.approx(2.0, rel=0.05)
    assert backoff([(0.1, 0.1, 0.1)] * 5).if_capped[0] == pytest.approx(1.0)


def test_tries_at_once_are_no_backoff():
    """Whatever their noise grows by."""
    assert backoff([(0.0004, 0.0011)] * 5).at_once
    assert not backoff([(0.05, 0.1)] * 5).at_once


def test_one_gap_an_operation_says_nothing_of_growth():
    """Two attempts have one gap."""
    assert backoff([(0.1,)] * 100) is None
    assert backoff([]) is None


def test_operations_that_succeeded_early_count_for_their_gaps_only():
    """`operations` are those with two gaps."""
    found = backoff([(0.1,)] * 10 + [(0.1, 0.2)] * 5)
    assert found.operations == 5
    assert found.factor == pytest.approx(2.0)


@settings(max_examples=50)
@given(st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=8), min_size=1, max_size=30))
def test_whatever_the_gaps_the_numbers_are_finite_and_the_same_again(gaps):
    """Zeros and outliers too."""
    found = backoff(gaps)
    assert found == backoff(gaps)
    if found is not None:
        assert 0 <= found.low <= found.factor <= found.high
        assert np.isfinite([found.factor, found.spread]).all()


def test_a_wait_that_the_answer_asked_for_is_not_the_clients_own():
    """Gaps from a Retry-After on are left out."""
    rows = many(2, (BUSY, BUSY, BUSY, BUSY), (0.1, 0.2, 2.0))
    (first, second) = operations(attempts(rows), LINK)
    assert waits([first]) == [pytest.approx((0.1, 0.2, 2.0))]
    told = replace(
        second, attempts=(*second.attempts[:2], replace(second.attempts[2], retry_after_s=2.0), second.attempts[3])
    )
    assert waits([told]) == [pytest.approx((0.1, 0.2))]
