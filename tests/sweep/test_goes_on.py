"""How a sweep goes on from run to run, and when it does not: without a stack, with runs that are told how to end."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from harness import report
from harness.ending import BASELINE_BAD, BUDGET_SPENT, COMPLETE, INTERRUPTED, Ending
from harness.errors import StartError
from harness.history import MarkWriter
from harness.interrupts import Interrupts
from harness.store import read_json, write_json
from harness.sweep import record
from harness.sweep import run as runs
from harness.sweep.catalogue import trials
from harness.sweep.record import SteadyLoad, Sweep, SweepFolder
from harness.sweep.run import execute
from harness.watching import Silent
from tests.builders import MANIFEST

TRIALS, _ = trials({"web-db": ("web", "db")}, ["web", "db"], entry="web", only=["outage", "kill", "freeze"])
WINDOWS = [one.planned.window for one in TRIALS]
SWEEP = Sweep(
    name="sweep",
    entry="web:80",
    load=SteadyLoad("shop.py", 20.0),
    command=("harness", "sweep"),
    stack="docker",
    cells=tuple(one.planned for one in TRIALS),
)
BACK_LATE = Ending("goodput was not back 10 s after it")


class _View(Silent):
    def __init__(self):
        self.said = ""

    def say(self, line):
        self.said += line


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """Sweep with runs that begin so many windows each and end so: (the outcome, sweep.json, what was said)."""
    built = []
    monkeypatch.setattr(report, "build", lambda folder: built.append(read_json(folder.manifest)["begin_within_s"]))

    def done(*told, interrupts=None, **more):
        given = iter(told)

        class Run:
            def __init__(self, plan, locustfile, folder, *_):
                self._plan, self._folder = plan, folder

            def execute(self, *_):
                count, ending = next(given)
                if isinstance(ending, Exception):
                    raise ending
                marks = MarkWriter(self._folder.marks)
                for window in self._plan.windows[: max(count, 0)]:
                    marks.write("injecting", 1.0, window=window.name)
                marks.close()
                if count >= 0:
                    more = {"begin_within_s": self._plan.begin_within_s, "windows": [], "duration_s": 1.0}
                    write_json(self._folder.manifest, {**MANIFEST, **more})
                return ending

        monkeypatch.setattr(runs, "Run", Run)
        folder, view = SweepFolder(tmp_path), _View()
        outcome = execute(SWEEP, TRIALS, folder, Path("shop.py"), None, view, interrupts or Interrupts(), **more)
        return outcome, record.read(folder.sweep), view.said, built

    return done


def test_what_a_run_did_not_get_to_is_left_to_the_next(swept):
    """On a stack that is started anew, without a bound unless there is a budget."""
    outcome, kept, said, built = swept((2, BACK_LATE), (3, Ending(COMPLETE)))
    assert outcome.ending.reason == COMPLETE
    assert kept.runs == ("runs/1", "runs/2")
    assert "3 cells are left, on a stack that is started anew" in said
    assert built == [math.inf, math.inf]


def test_an_interrupt_before_the_stack_has_started_is_no_damage(swept):
    """There is no run to report, and nothing to say but that it was interrupted."""
    interrupts = Interrupts()
    interrupts.number = 2
    outcome, _, _, built = swept((-1, Ending(INTERRUPTED, 2)), interrupts=interrupts)
    assert (outcome.ending.signal, built) == (2, [])


def test_a_second_stack_that_does_not_start_leaves_the_first_run(swept, tmp_path):
    """What was seen is in its folder, for the page, with what it is to hold."""
    with pytest.raises(StartError):
        swept((2, BACK_LATE), (0, StartError("it does not come up")))
    assert record.read(tmp_path / "sweep.json").runs == ("runs/1", "runs/2")
    judged = read_json(tmp_path / "runs/1/verdicts.json")["judged"]
    assert judged["marks.jsonl"]["rows"] == 2


def test_a_kept_stack_that_is_not_back_ends_the_sweep(swept):
    """Nobody starts it anew: what is left would be tried on what is still broken."""
    outcome, kept, said, _ = swept((2, replace(BACK_LATE, stack_goes_on=True)))
    assert outcome.ending.reason == BACK_LATE.reason
    assert kept.runs == ("runs/1",)
    assert "3 cells are left, and a stack that is kept is not started anew: take it down" in said
    assert [one.window for one in kept.cells] == WINDOWS


@pytest.mark.parametrize("ending", [Ending(BUDGET_SPENT), BACK_LATE])
def test_what_the_budget_does_not_reach_is_left_out(swept, ending):
    """In a run, and before the next one: it is no cell any more, and the page says why."""
    outcome, kept, said, built = swept((2, ending), budget_s=0.0)
    assert outcome.ending == ending
    assert [one.window for one in kept.cells] == WINDOWS[:2]
    assert [(one.cell.window, one.reason) for one in kept.dropped] == [
        (window, "over the budget of 0 s") for window in WINDOWS[2:]
    ]
    assert "3 cells are left out" in said
    assert built[0] <= 0


def test_a_budget_that_is_not_spent_bounds_the_next_run(swept):
    """By what is left of it."""
    _, kept, _, built = swept((2, BACK_LATE), (3, Ending(COMPLETE)), budget_s=60.0)
    assert kept.dropped == ()
    assert 50 < built[1] <= built[0] <= 60


def test_a_bad_baseline_is_told_as_that_whatever_the_budget(swept):
    """Nothing was swept, and that is why."""
    outcome, kept, _, _ = swept((0, Ending(BASELINE_BAD)), budget_s=0.0)
    assert outcome.baseline_bad
    assert kept.dropped == ()
