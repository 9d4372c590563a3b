"""What a sweep tries and what it leaves out, and how its faults are called."""

from __future__ import annotations

import pytest

from harness import Kill
from harness.errors import ScenarioError
from harness.plan import fault_in_words, plan
from harness.sweep.catalogue import trials
from harness.sweep.record import SteadyLoad, Sweep
from harness.sweep.run import _scenario

LINKS = {"web-db": ("web", "db")}


def test_a_kill_is_called_kill_and_cuts_the_links_to_its_service():
    """In the plan, from which manifest and page have it, and in the column; where none leads to it none is cut."""
    chosen, _ = trials(LINKS, ["web", "db"], entry="web", only=["kill"])
    assert [one.fault for one in chosen] == [Kill("db", cut_links=True), Kill("web")]
    assert {one.planned.column for one in chosen} == {"kill"}
    sweep = Sweep(
        name="x", entry="", load=SteadyLoad("l.py", 20), command=(), stack="docker", cells=(), seconds_planned=1.0
    )
    words = [(one.fault, fault_in_words(one)) for one in plan("x", _scenario(sweep, chosen)).windows]
    assert words == [("kill", "kill on db, cut_links True"), ("kill", "kill on web")]


def test_a_service_that_nothing_is_seen_to_cross_is_left_out_with_the_reason():
    """A job that runs once and a worker without a link would be unknown each time, and no gate could be green."""
    chosen, left = trials(LINKS, ["web", "db", "migrate"], entry="web")
    assert {one.planned.subject for one in chosen} == {"web-db", "web", "db"}
    assert [(one.cell.window, one.reason) for one in left] == [
        (window, "no link leads to it or from it, so nothing would be seen to cross it")
        for window in ("kill migrate", "freeze migrate")
    ]


def test_a_job_that_is_done_before_the_load_is_left_out_with_its_links():
    """Nothing crosses them any more: each cell would be unknown, and take its time of the budget."""
    chosen, left = trials({**LINKS, "migrate-db": ("migrate", "db")}, ["web", "db", "migrate"], jobs=["migrate"])
    assert {one.planned.subject for one in chosen} == {"web-db", "web", "db"}
    assert {one.cell.subject for one in left} == {"migrate-db", "migrate"}
    assert {one.reason for one in left} == {"a job that is done before the load begins"}


def test_an_entry_without_a_link_is_swept():
    """The load goes to it."""
    chosen, left = trials({}, ["web"], entry="web")
    assert [one.planned.window for one in chosen] == ["kill web", "freeze web"]
    assert left == ()


def test_where_nothing_is_left_the_reason_is_told():
    """The user asked for what cannot be."""
    with pytest.raises(ScenarioError, match="nothing is left to be swept: not among --only; no link leads to it"):
        trials(LINKS, ["web", "db", "migrate"], entry="web", only=["kill migrate"])
