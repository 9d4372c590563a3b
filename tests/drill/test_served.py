"""When the load is served again, by beats that are built by hand."""

from __future__ import annotations

import pytest

from harness.drill.served import Served
from harness.order import Beat


def _hear(served, *seconds):
    """(second at which it ended, ok, not ok)."""
    for end_s, ok, bad in seconds:
        served.hear(Beat(int(end_s * 1e9), ok + bad, 0, 0.0, 0, 0.0, 0, ok, bad, 0, 1.0, 1.0))
    return served


def test_it_is_served_when_the_good_seconds_have_lasted():
    """From the start of the first of them."""
    served = _hear(Served(0.95, 3, 10.0), (11, 0, 20), (12, 20, 0), (13, 20, 0))
    assert served.since_s(10.5) is None
    assert _hear(served, (14, 20, 0)).since_s(10.5) == 11.0


def test_one_bad_second_begins_the_count_anew():
    """A service that flaps has not recovered."""
    served = _hear(Served(0.95, 2, 10.0), (11, 0, 20), (12, 20, 0), (13, 10, 10), (14, 20, 0), (15, 20, 0))
    assert served.since_s(10.5) == 13.0


def test_a_second_without_an_answer_is_no_good_one():
    """Requests that hang are not served."""
    served = _hear(Served(0.95, 1, 10.0), (11, 20, 0), (12, 0, 0))
    assert served.since_s(10.0) is None


def test_good_seconds_of_before_the_disaster_do_not_count():
    """They must last for as long after it."""
    served = _hear(Served(0.95, 3, 10.0), *((at, 20, 0) for at in range(1, 12)))
    assert served.since_s(10.0) is None
    assert not served.hurt(10.0)
    assert _hear(served, (12, 20, 0), (13, 20, 0)).since_s(10.0) == 0.0


def test_a_share_below_the_objective_is_bad():
    """19 of 20 are good enough for 0.95, 18 are not."""
    assert _hear(Served(0.95, 1, 10.0), (1, 19, 1)).since_s(0.0) == 0.0
    assert _hear(Served(0.95, 1, 10.0), (1, 18, 2)).hurt(0.0)


CALM = tuple((at, 20, 20, 2, 0) for at in range(1, 11))


@pytest.mark.parametrize(
    ("seconds", "is_served"),
    [
        (((at, 20, 20, 2, 0) for at in range(11, 16)), True),
        (((at, 20, 19 + at % 2, 3, 0) for at in range(11, 16)), True),  # one was on its way at the second's end
        (((at, 20, 16, 4 * (at - 10), 0) for at in range(11, 16)), False),  # reads are answered, and writes hang
        (((at, 20, 20, 12 * (at == 13), 0) for at in range(11, 16)), True),  # a pause of half a second
        (((at, 20, 20, 12 * (at in (13, 14)), 0) for at in range(11, 16)), False),
        (((at, 20, 19, 2, 1) for at in range(11, 16)), False),
        (((at, 20, 10, 2, 0) for at in range(11, 16)), False),  # half of them came to no answer at all
        (((at, 20, 20, 50, 0) for at in range(11, 16)), False),  # what had piled up is still waiting
        (((at, 60, 60, 15, 0) for at in range(11, 16)), True),  # three times the load keeps more users busy
        (((at, 0, 20, 2, 0) for at in range(11, 16)), True),  # a load of users has no arrivals
    ],
)
def test_requests_that_hang_or_are_dropped_are_not_served(seconds, is_served):
    """A second is judged by what was asked in it, and not by its answers alone."""
    served = Served(0.95, 3, 10.0)
    for at, arrivals, ok, busy, dropped in (*CALM, *seconds):
        served.hear(Beat(int(at * 1e9), arrivals, dropped, 0.0, busy, 0.0, 0, ok, 0, 0, 1.0, 1.0))
    assert (served.since_s(10.5) is not None) == is_served
