"""What a scenario may say, and what it may not."""

from __future__ import annotations

import pytest

from harness import Bandwidth, Latency, LatencyBelow, LimitData, Load, Noop, Slicer, SlowClose, during
from harness.record import Verdict, Word, overall


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda: Load("a.py", rate_per_s=0), "rate_per_s must be more than 0"),
        (lambda: Load("a.py", rate_per_s=float("nan")), "must be a number"),
        (lambda: Load("a.py", users=1.5), "whole number"),
        (lambda: Load("a.py", ramp=(0, 0, 10)), "sends nothing"),
        (lambda: Load("a.py", ramp=(1, 2)), "from_per_s, to_per_s, over_s"),
        (lambda: Load("a.py", steps=()), "at least one"),
        (lambda: Load("a.py", rate_per_s=1, arrivals="random"), '"even" or "poisson"'),
        (lambda: Load("a.py", users=1, tags="slow"), "write a comma"),
        (lambda: during(1, 2), "at least one fault"),
        (lambda: during(1, 2, "outage"), "a window holds faults, as in"),
        (lambda: Latency("a-b", delay_ms=10, jitter_ms=11), "at most delay_ms"),
        (lambda: Bandwidth("a-b", rate_kb_per_s=0), "more than 0"),
        (lambda: Slicer("a-b", size_bytes=10, variation_bytes=10), "less than size_bytes"),
        (lambda: SlowClose("a-b", delay_ms=0), "more than 0"),
        (lambda: LimitData("a-b", limit_bytes=True), "must be a number"),
        (lambda: LatencyBelow(100, percentile=0.95), "write 95"),
        (lambda: LatencyBelow(100, percentile=100), "less than 100"),
        (lambda: LatencyBelow("fast"), "must be a number"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_where_it_is_made(given, says):
    """The error says what was given and what is allowed."""
    with pytest.raises(ValueError, match=r"given|at least|comma|sends nothing|write") as caught:
        given()
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("load", "rates"),
    [
        (Load("a.py", rate_per_s=5), ((0, 5),)),
        (Load("a.py", ramp=(1, 9, 10)), ((0, 1), (10, 9))),
        (Load("a.py", steps=((1, 10), (5, 20))), ((0, 1), (10, 1), (10, 5), (30, 5))),
        (Load("a.py", users=3), None),
    ],
)
def test_the_open_model_is_a_line_of_rates(load, rates):
    """Points over time, straight between them."""
    assert load.rates == rates


def test_one_fail_makes_a_run_fail_and_no_verdict_is_unknown():
    """False beats unknown beats true."""
    words = {word: Verdict("c", word, "") for word in Word}
    assert overall([words[Word.PASS], words[Word.UNKNOWN], words[Word.FAIL]]) is Word.FAIL
    assert overall([words[Word.PASS], words[Word.UNKNOWN]]) is Word.UNKNOWN
    assert overall([words[Word.PASS]]) is Word.PASS
    assert overall([]) is Word.UNKNOWN


def test_windows_add_up():
    """during() gives tuples, so that plans are sums."""
    assert len((*during(1, 2, Noop("a-b")), *during(3, 4, Noop("a-b"), Noop("c-d")))) == 3
