"""Runs a sweep: one load, one fault after another, calm between; a fresh stack where one did not come back.

Each run is an ordinary run, in a folder of its own below the sweep's. What a run did not get to is left to the next.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import history, kept, report
from harness.checks.availability import Availability
from harness.checks.judge import judge_baseline
from harness.ending import BASELINE_BAD, COMPLETE, Ending
from harness.errors import RunFolderError
from harness.interrupts import Interrupts
from harness.model import Load, Scenario, Window
from harness.plan import plan
from harness.record import Word
from harness.runner import Opener, Run
from harness.store import RunFolder
from harness.sweep import record
from harness.sweep.catalogue import BASELINE_S, WARMUP_S, Trial
from harness.sweep.record import LeftOut, Sweep, SweepFolder
from harness.watching import View

CALM_MAX_S = 10.0
AFTER_S = 2.0
OK_RATIO_MIN = 0.95
"""What the baseline must give: a stack that fails in calm tells nothing when it is broken."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sweep ended: that of its last run, and whether its first baseline was bad already."""

    ending: Ending
    baseline_bad: bool


def execute(
    sweep: Sweep,
    trials: Sequence[Trial],
    folder: SweepFolder,
    locustfile: Path,
    open_stack: Opener,
    view: View,
    interrupts: Interrupts,
    budget_s: float = math.inf,
) -> Outcome:
    """Try every cell once, and write down what is done as it is done. Raises HarnessError where nothing can start.

    When the budget is spent no window is begun any more, and what remains is left out.
    """
    until_s, remaining = time.monotonic() + budget_s, list(trials)
    ending = Ending(COMPLETE)
    while remaining:
        run_folder = _next_run(folder, len(sweep.runs) + 1)
        sweep = replace(sweep, runs=(*sweep.runs, str(run_folder.path.relative_to(folder.path))))
        record.write(folder.sweep, sweep)
        scenario = _scenario(sweep, remaining)
        planned = plan(f"{sweep.name} {len(sweep.runs)}", scenario)
        planned = replace(planned, calm_max_s=CALM_MAX_S, begin_within_s=until_s - time.monotonic())
        run = Run(planned, locustfile, run_folder, sweep.command, view, interrupts)
        ending = run.execute(open_stack, lambda: _baseline_trouble(run_folder, scenario), report.make_ready)  # noqa: B023
        marks = history.read_marks(run_folder.marks)
        tried = {mark.data.get("window") for mark in marks if mark.kind == "injecting"}  # injected, or it cannot be
        if run_folder.manifest.is_file():  # not where it was interrupted before its stack had started
            kept.keep(run_folder, history.read(run_folder), ())
            report.build(run_folder)
        if interrupts.came() or ending.still_broken:
            break
        before, remaining = len(remaining), [one for one in remaining if one.planned.window not in tried]
        if remaining and ending.reason != BASELINE_BAD and time.monotonic() > until_s:
            sweep = _leave_out(sweep, remaining, f"over the budget of {budget_s:.0f} s")
            record.write(folder.sweep, sweep)
            view.say(f"the budget of {budget_s:.0f} s is spent; {len(remaining)} cells are left out")
            break
        if len(remaining) == before:
            return Outcome(ending, baseline_bad=ending.reason == BASELINE_BAD and len(sweep.runs) == 1)
        if remaining and ending.stack_goes_on:
            view.say(
                f"{ending.reason}; {len(remaining)} cells are left, and a stack that is kept is not started anew: take "
                "it down (harness stack down), and sweep again"
            )
            break
        if remaining:
            view.say(f"{ending.reason}; {len(remaining)} cells are left, on a stack that is started anew")
    return Outcome(ending, baseline_bad=False)


def _leave_out(sweep: Sweep, trials: Sequence[Trial], reason: str) -> Sweep:
    cells = [one.planned for one in trials]
    dropped = (*sweep.dropped, *(LeftOut(cell, reason) for cell in cells))
    return replace(sweep, cells=tuple(cell for cell in sweep.cells if cell not in cells), dropped=dropped)


def _scenario(sweep: Sweep, trials: Sequence[Trial]) -> Scenario:
    windows = []
    at_s = BASELINE_S
    for one in trials:
        windows.append(Window(one.fault, at_s, at_s + one.planned.window_s, one.planned.window))
        at_s += one.planned.window_s
    return Scenario(
        hypothesis="Whatever breaks, what does not need it goes on, and all is well again after.",
        load=Load(sweep.load.locustfile, rate_per_s=sweep.load.rate_per_s, users_max=_users(sweep, trials)),
        checks=(Availability(ok_ratio_min=OK_RATIO_MIN, phase="baseline"),),
        faults=tuple(windows),
        warmup_s=WARMUP_S,
        recovery_s=AFTER_S,
    )


def _users(sweep: Sweep, trials: Sequence[Trial]) -> int:
    """Enough that every request may wait from the start of the longest window to its end."""
    return round(sweep.load.rate_per_s * (max(one.planned.window_s for one in trials) + 4)) + 5


def _baseline_trouble(folder: RunFolder, scenario: Scenario) -> str | None:
    verdicts = judge_baseline(history.read(folder), scenario.checks)
    return " ".join(one.sentence for one in verdicts if one.word is Word.FAIL) or None


def _next_run(folder: SweepFolder, number: int) -> RunFolder:
    path = folder.path / "runs" / str(number)
    try:
        (path / "logs").mkdir(parents=True)
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror or error}; free space or permissions") from error
    return RunFolder(path)
