"""A sweep run by run: what one run did not get to is left to the next, and what cannot be injected to none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import report
from harness.ending import COMPLETE, Ending
from harness.history import MarkWriter
from harness.interrupts import Interrupts
from harness.record import Mark
from harness.sweep import run
from harness.sweep.catalogue import trials
from harness.sweep.matrix import matrix
from harness.sweep.record import SteadyLoad, Sweep, SweepFolder
from harness.watching import Silent
from tests.sweep.planted import link, planted, refused

CHOSEN, _ = trials({"web-db": ("web", "db")}, ["web", "db"], entry="web", only=["kill", "freeze"])
SWEEP = Sweep(
    name="x",
    entry="",
    load=SteadyLoad("l.py", 20),
    command=(),
    stack="docker",
    cells=tuple(one.planned for one in CHOSEN),
    seconds_planned=1.0,
)


@pytest.fixture
def runs(monkeypatch):
    """The windows that each run injected, of runs that cannot freeze db."""
    found: list[list[str]] = []

    class Fake:
        def __init__(self, plan, _locustfile, folder, *_):
            self._plan, self._folder = plan, folder

        def execute(self, *_):
            marks = MarkWriter(self._folder.marks)
            found.append([])
            try:
                for window in self._plan.windows:
                    marks.write("injecting", 1.0, window=window.name)
                    if window.name == "freeze db":
                        return Ending("freeze db could not be injected: no pause")
                    marks.write("injected", 1.0, window=window.name)
                    found[-1].append(window.name)
                return Ending(COMPLETE)
            finally:
                marks.close()

    monkeypatch.setattr(run, "Run", Fake)
    monkeypatch.setattr(report, "build", lambda _: None)
    return found


def test_a_fault_that_cannot_be_injected_takes_no_later_cell_with_it(tmp_path, runs):
    """Its cell was tried; those after it are tried on a stack that is started anew."""
    folder = SweepFolder(tmp_path)
    outcome = run.execute(SWEEP, CHOSEN, folder, tmp_path / "l.py", lambda *_: None, Silent(), Interrupts())
    assert runs == [["kill db"], ["kill web", "freeze web"]]
    assert outcome.ending.reason == COMPLETE


def test_the_cell_of_a_fault_that_cannot_be_injected_says_why():
    """And those that a later run took have their own words."""
    made = planted([link("web-db", "outage", {"*": refused()}), link("web-search", "outage")])
    first, second = made.history.windows
    error = f"{second.name} could not be injected: no pause"
    broken = planted([link("web-db", "outage", {"*": refused()})]).history
    marks = (Mark("injecting", 12.0, {"window": first.name}), Mark("injecting", 24.0, {"window": second.name}))
    ended = replace(broken, marks=(*marks, Mark("end", 24.0, {"reason": error})))
    cells = matrix(made.sweep, [("runs/1", ended)]).cells
    assert [cell.harm.value for cell in cells] == ["down", "unknown"]
    assert (cells[1].reason, cells[1].run) == (error, "runs/1")
