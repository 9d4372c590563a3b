"""One scenario from its plan to its report: run it, judge its history, build its page."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness import history, kept, report, store
from harness.analysis.figures import Figures
from harness.checks.judge import judge, judge_baseline
from harness.ending import BASELINE_BAD, Ending
from harness.errors import HarnessError, Interrupted
from harness.interrupts import Interrupts
from harness.model import Check
from harness.plan import Plan
from harness.record import Verdict, Word, overall
from harness.runner import Opener, Run
from harness.store import RunFolder
from harness.watching import View

EXIT_CODES = {Word.PASS: 0, Word.FAIL: 1, Word.UNKNOWN: 4}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run. `exit_code` is the design's; `report` and `figures` are None where the run was interrupted,
    and where it was judged but what was found could not be kept: `trouble` is why."""

    name: str
    folder: RunFolder
    ending: Ending
    verdicts: tuple[Verdict, ...]
    word: Word
    exit_code: int
    report: Path | None
    figures: Figures | None = None
    trouble: HarnessError | None = None

    def to_json(self) -> dict[str, Any]:
        """As `harness run --json` prints it."""
        return {
            "scenario": self.name,
            "word": self.word,
            "exit_code": self.exit_code,
            "reason": self.ending.reason,
            "folder": str(self.folder.path),
            "report": str(self.report) if self.report else None,
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "troubles": [asdict(one) for one in self.figures.troubles] if self.figures else [],
        }


def worst(exit_codes: Iterable[int]) -> int:
    """The exit code of several runs: what weighs most of incomplete healing, a fail, a bad baseline, unknown."""
    found = set(exit_codes)
    return next((code for code in (5, 1, 3, 4) if code in found), 0)


def do(
    plan: Plan, locustfile: Path, open_stack: Opener, *, reports: Path, command: Sequence[str], view: View
) -> Result:
    """Run a plan and report it. Raises HarnessError when it could not start or its evidence could not be kept."""
    folder = store.create(reports, plan.name)
    checks = plan.scenario.checks
    with Interrupts() as interrupts:
        run = Run(plan, locustfile, folder, command, view, interrupts)
        ending = run.execute(open_stack, lambda: _baseline_trouble(folder, checks), report.make_ready)
    if ending.signal is not None:
        exit_code = 5 if ending.still_broken else 128 + ending.signal
        return Result(plan.name, folder, ending, (), Word.UNKNOWN, exit_code, None)
    view.say("judging ...")
    try:
        seen = history.read(folder)
        verdicts = judge_baseline(seen, checks) if ending.reason == BASELINE_BAD else judge(seen, checks)
        word = overall(verdicts)
        result = Result(plan.name, folder, ending, verdicts, word, _exit_code(ending, word), None)
        try:
            kept.keep(folder, seen, verdicts)
            return replace(result, figures=report.build(folder), report=folder.report)
        except HarnessError as error:  # a full disk must not take the verdicts with it
            return replace(result, trouble=error)
    except KeyboardInterrupt as error:
        view.say(f"interrupted while judging; `harness report {folder.path}` makes the page of what is there")
        raise Interrupted(signal.SIGINT) from error


def _baseline_trouble(folder: RunFolder, checks: Sequence[Check]) -> str | None:
    failed = [one for one in judge_baseline(history.read(folder), checks) if one.word is Word.FAIL]
    return " ".join(verdict.sentence for verdict in failed) or None


def _exit_code(ending: Ending, word: Word) -> int:
    if ending.still_broken:
        return 5
    return 3 if ending.reason == BASELINE_BAD else EXIT_CODES[word]
