"""Durations, read and written."""

from __future__ import annotations

import pytest

from harness.durations import in_words, seconds


@pytest.mark.parametrize(
    ("value_s", "text"),
    [(1, "1 s"), (14.26, "14.3 s"), (60, "1 min"), (90, "90 s"), (2100, "35 min"), (3600, "1 h"), (93600, "26 h")],
)
def test_a_duration_is_said_in_the_unit_that_fits_it(value_s, text):
    """Not in thousandths of an hour, and not in thousands of seconds."""
    assert in_words(value_s) == text


def test_what_is_said_is_read_again():
    """`26h` is as many seconds."""
    assert in_words(seconds("26h")) == "26 h"
