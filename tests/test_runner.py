"""The runner's own rules, without a stack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.checks.availability import Availability
from harness.ending import BUDGET_SPENT, COMPLETE, Ending
from harness.faults.noop import Noop
from harness.history import read_marks
from harness.interrupts import Interrupts
from harness.model import Load, Scenario, during
from harness.plan import plan
from harness.record import HealReport
from harness.runner import Run
from harness.store import RunFolder
from harness.watching import Silent


class _Stack:
    is_ours = True

    def link(self, name):
        return name

    def enter(self, window):
        pass


def _run(folder, **more):
    checks = (Availability(ok_ratio_min=0.99),)
    load = Load("shop.py", rate_per_s=1)
    scenario = Scenario(hypothesis="h", load=load, faults=during(4, 5, Noop("api-db")), checks=checks)
    planned = replace(plan("noop", scenario), **more)
    return Run(planned, Path("shop.py"), RunFolder(folder), [], Silent(), Interrupts())


@pytest.mark.parametrize(
    ("within_s", "reason", "marks"), [(60.0, COMPLETE, ["injecting", "injected"]), (0, BUDGET_SPENT, [])]
)
def test_no_window_is_begun_later_than_it_may(tmp_path, within_s, reason, marks):
    """The run ends instead, and nothing is injected."""
    run = _run(tmp_path, begin_within_s=within_s)
    run._inject(run._plan.steps[0], _Stack())
    assert run._reason == reason
    assert [mark.kind for mark in read_marks(tmp_path / "marks.jsonl")] == marks


def test_what_a_witness_missed_ends_the_run_early(tmp_path):
    """Though it is found only when the plan is done, and the last words are said: the end tells of it."""

    class Witnesses:
        stopped = False

        def stop(self, tell):
            self.stopped = True

        def trouble(self):
            return "the tap ended while it recorded" if self.stopped else None

    run = _run(tmp_path)
    run._witnesses = Witnesses()
    run._zero_ns = 1
    run._undo(None, None, SimpleNamespace(release=lambda: None))
    (end,) = [mark for mark in read_marks(tmp_path / "marks.jsonl") if mark.kind == "end"]
    assert end.data["reason"] == "the tap ended while it recorded"


def test_a_stack_that_was_there_before_goes_on(tmp_path):
    """What is still broken of it is told; one of the run's own ends with the run, and only what is left of it is."""
    kept, report = _Stack(), HealReport(broken=("web is paused",))
    kept.is_ours = False
    run = _run(tmp_path)
    assert run._ending(kept, report) == Ending(COMPLETE, still_broken=("web is paused",), stack_goes_on=True)
    assert run._ending(_Stack(), report) == Ending(COMPLETE)
    assert run._ending(None, report) == Ending(COMPLETE)
