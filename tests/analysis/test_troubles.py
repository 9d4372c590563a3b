"""What requests met: counted by endpoint, told with its phases, and in a line where it is worth one."""

from __future__ import annotations

from harness.analysis.troubles import ROWS_MAX, in_one_line, troubles
from harness.record import Outcome
from tests.builders import Sample, fail, history, steady, unknown, window

SLOW = window("slow", 10, 20)


def test_a_run_where_all_was_ok_has_none():
    """Nor has one without a request."""
    assert troubles(history(steady(20, 0, 30), [SLOW], end_s=30)) == ()
    assert troubles(history([], end_s=0)) == ()


def test_each_endpoint_and_error_is_counted_with_its_phases():
    """The most frequent first; the phase that most fell into comes first."""
    samples = [
        *steady(20, 0, 30),
        *(fail(11 + index / 10, endpoint="POST /b") for index in range(5)),
        *(fail(25 + index, endpoint="POST /b") for index in range(2)),
        *(unknown(12, 50, endpoint="GET /a") for _ in range(3)),
        Sample(13, 50, Outcome.FAIL, "GET /a", 404, ""),
    ]
    found = troubles(history(samples, [SLOW], end_s=30))
    assert [(one.endpoint, one.what, one.outcome, one.count, dict(one.phases)) for one in found] == [
        ("POST /b", "HTTP 503", "fail", 7, {"slow": 5, "recovery": 2}),
        ("GET /a", "TimeoutError", "unknown", 3, {"slow": 3}),
        ("GET /a", "HTTP 404", "fail", 1, {"slow": 1}),
    ]


def test_a_table_of_them_stays_small():
    """However many kinds of error there were."""
    samples = [fail(index / 10, status=500 + index) for index in range(40)]
    assert len(troubles(history(samples, end_s=10))) == ROWS_MAX


def test_a_line_is_told_where_more_than_one_in_a_hundred_was_not_ok():
    """With the share and the most frequent."""
    found = troubles(history([*steady(20, 0, 30), *(fail(at_s) for at_s in range(10))], end_s=30))
    assert in_one_line(found, 600, 610) == "2 % of 610 requests were not ok; most frequent: HTTP 503 (10, GET /)"
    assert in_one_line(found, 600, 605) == ""
