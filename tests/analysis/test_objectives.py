"""How long a recovery took, on marks written by hand and on any that can be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from harness.analysis.objectives import PHASES, timed
from harness.record import Mark

STEPS = [("look", "decide", 3, 4), ("choose", "decide", 4, 5), ("get", "fetch", 5.5, 8), ("load", "restore", 8, 20)]
STEPS += [("ask", "verify", 20, 22)]


def marks(steps=STEPS, **at_s: float) -> tuple[Mark, ...]:
    """A disaster at 10 s; all other times are given from there."""
    found = [Mark("disaster", 10.0)] + [Mark(kind, 10.0 + one) for kind, one in at_s.items()]
    for step, phase, began_s, ended_s in steps:
        found.append(Mark("step_began", 10.0 + began_s, {"step": step, "phase": phase}))
        if ended_s is not None:
            found.append(Mark("step_ended", 10.0 + ended_s, {"step": step, "phase": phase, "word": "pass"}))
    return tuple(sorted(found, key=lambda one: one.at_s))


def test_a_recovery_is_split_into_what_it_waited_for():
    """Between two steps it is the coming one that waits; before the first one somebody decides."""
    result = timed(marks(injected=0.4, detected=2.0, served=25.0))
    assert result.rto_s == 25.0
    assert result.phases_s == {"detect": 2.0, "decide": 3.0, "fetch": 3.0, "restore": 12.0, "verify": 2.0, "serve": 3.0}
    assert (result.settled_s, result.detected_s, result.longest) == (10.4, 12.0, ("restore", 12.0))
    assert (result.met(25.0), result.met(24.9)) == (True, False)


def test_a_load_that_is_served_before_the_runbook_ends_stops_the_clock():
    """The steps go on, and are drawn; the RTO holds only what came before."""
    result = timed(marks(detected=2.0, served=15.0))
    assert (result.rto_s, result.phases_s["restore"], result.phases_s["verify"]) == (15.0, 7.0, 0.0)
    assert result.parts[-1].step == "ask"


def test_what_is_done_when_all_is_over_is_no_part_of_the_recovery():
    """Steps of post-incident have no phase, and take nobody's time."""
    result = timed(marks([*STEPS, ("write it down", "", 22, 40)], detected=2.0, served=25.0))
    assert (result.rto_s, result.phases_s["serve"], result.parts[-1].phase) == (25.0, 3.0, "serve")


def test_a_recovery_that_gave_up_has_no_rto():
    """Its time is split all the same, up to then; the step that never ended is its last."""
    steps = [*STEPS[:3], ("load", "restore", 8, None)]
    result = timed(marks(steps, detected=2.0, gave_up=40.0))
    assert (result.rto_s, result.gave_up_s, result.phases_s["restore"]) == (None, 50.0, 32.0)
    assert not result.met(1e9)


def test_without_an_alert_the_first_step_ends_the_detection():
    """Somebody began, so it was known by then."""
    assert timed(marks(served=25.0)).phases_s["detect"] == 3.0
    assert timed(marks(served=25.0)).detected_s is None


def test_no_disaster_is_no_recovery():
    """A drill that ended in its baseline has nothing to time; one that ended right after lasted until the run did."""
    assert timed((Mark("end", 5.0),)) is None
    assert timed((Mark("disaster", 10.0),), end_s=14.0).phases_s["detect"] == 4.0


TIMES = some.floats(0, 100)
ANY_STEP = some.tuples(some.text(max_size=3), some.sampled_from([*PHASES, "", "rollback"]), TIMES, some.none() | TIMES)


@settings(max_examples=150, deadline=None)
@given(some.lists(ANY_STEP, max_size=8), some.dictionaries(some.sampled_from(["detected", "served", "gave_up"]), TIMES))
def test_whatever_the_marks_say_the_parts_join_and_the_phases_add_up(steps, at_s):
    """No gap, no overlap, nothing before the disaster; the phases add up to the RTO."""
    result = timed(marks(steps, **at_s))
    assert set(result.phases_s) == set(PHASES)
    assert all(value >= 0 for value in result.phases_s.values())
    at = result.disaster_s
    for part in result.parts:
        assert part.start_s == pytest.approx(at)
        assert part.end_s > part.start_s
        at = part.end_s
    if result.rto_s is not None:
        assert sum(result.phases_s.values()) == pytest.approx(result.rto_s)
