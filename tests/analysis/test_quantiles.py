"""Quantiles by nearest rank."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.quantiles import quantile, quantiles


@pytest.mark.parametrize(("q", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (0.999, 100), (1.0, 100), (0.0, 1)])
def test_of_one_to_a_hundred_the_quantile_is_its_own_number(q, value):
    """Nearest rank on 1..100 gives back the percentage."""
    assert quantile(np.arange(1, 101)[::-1], q) == value


def test_of_nothing_it_is_not_a_number():
    """No value is made up where there is none."""
    assert math.isnan(quantile(np.array([]), 0.5))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.floats(0, 1))
def test_at_least_that_share_does_not_exceed_it(values, q):
    """It is one of the values, and the smallest that a share q of them does not exceed."""
    array = np.array(values)
    found = quantile(array, q)
    assert found in values
    assert (array <= found).mean() >= q - 1e-9
    assert (array < found).mean() < q + 1e-9 or found == array.min()


def test_several_at_once_are_those_one_by_one():
    """One partial sort serves all."""
    values = np.random.default_rng(1).random(1000)
    assert quantiles(values, (0.5, 0.99, 0.9)) == [quantile(values, q) for q in (0.5, 0.99, 0.9)]
