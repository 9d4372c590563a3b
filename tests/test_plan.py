"""Plans: what happens when, and in which order."""

from __future__ import annotations

import pytest

from harness import AlertFires, Availability, Latency, Load, Noop, Outage, Scenario, SlowClose, during
from harness.plan import load_in_words, plan, timeline


def _plan(*faults, **fields):
    windows = tuple(window for group in faults for window in group)
    fields = {
        "hypothesis": "h",
        "load": Load("shop.py", rate_per_s=60),
        "checks": (Availability(ok_ratio_min=0.9),),
    } | fields
    return plan("one", Scenario(faults=windows, **fields))


def test_at_one_time_heals_come_before_injections():
    """Windows that touch do not overlap."""
    made = _plan(during(5, 10, Outage("a-b")), during(10, 15, Outage("a-b")))
    assert [(step.at_s, step.action, step.window) for step in made.steps] == [
        (5, "inject", 0),
        (10, "heal", 0),
        (10, "inject", 1),
        (15, "heal", 1),
    ]


def test_every_window_has_a_name_of_its_own():
    """Repeated windows are numbered, since statistics are kept by name."""
    made = _plan(
        during(5, 10, Outage("a-b")), during(20, 25, Outage("a-b")), during(30, 35, SlowClose("a-b", delay_ms=9))
    )
    assert [window.name for window in made.windows] == ["outage a-b", "outage a-b (2)", "slow close a-b"]


def test_a_planned_window_says_all_without_code():
    """Kind, link and parameters, as the manifest keeps them."""
    (window,) = _plan(during(5, 10, Latency("a-b", delay_ms=20), name="slow")).windows
    assert (window.name, window.fault, window.link, window.cuts) == ("slow", "latency", "a-b", False)
    assert window.parameters == {"delay_ms": 20, "jitter_ms": 0}


def test_a_check_of_a_window_that_will_not_be_is_refused():
    """With the names that there are."""
    for check in (Availability(ok_ratio_min=0.9, phase="slwo"), AlertFires("Down", within_s=1, after="slwo")):
        with pytest.raises(ValueError, match=r"unknown phase 'slwo'; this scenario defines: .*did you mean 'slow'"):
            _plan(during(5, 10, Outage("a-b"), name="slow"), checks=(check,))


def test_the_timeline_shows_each_phase():
    """Baseline, windows, recovery, with times and parameters."""
    drawn = timeline(_plan(during(5, 10, Latency("a-b", delay_ms=20)), recovery_s=10))
    assert "baseline" in drawn
    assert "latency on a-b, delay_ms 20" in drawn
    assert "10-20 s" in drawn


def test_the_load_is_told_in_words():
    """Whatever its model."""
    assert load_in_words(Load("a.py", rate_per_s=60)) == "a.py, 60 requests/s"
    assert load_in_words(Load("a.py", users=5)) == "a.py, 5 users"
    assert load_in_words(Load("a.py", ramp=(1, 9, 10))) == "a.py, 1 to 9 requests/s over 10 s"
    assert load_in_words(Load("a.py")) == "a.py, its own load shape"


def test_a_calm_scenario_is_all_baseline():
    """Its baseline ends with the run."""
    made = plan(
        "calm",
        Scenario(hypothesis="h", load=Load("a.py", users=1), checks=(Availability(ok_ratio_min=1),), duration_s=9),
    )
    assert made.baseline_end_s == 9
    assert made.steps == ()
    assert Noop("a-b").cuts is False
