"""One drill from its file to its record and page: conducted, judged, signed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import history, report, store
from harness.checks.availability import Availability
from harness.checks.judge import judge_baseline
from harness.drill import body as bodies
from harness.drill import underway
from harness.drill.body import Judgement
from harness.drill.conduct import DrillRun, Orders
from harness.drill.loader import LoadedDrill
from harness.drill.planning import plan_of
from harness.drill.records import chain
from harness.ending import BASELINE_BAD, Ending
from harness.errors import HarnessError
from harness.interrupts import Interrupts
from harness.loader import find_locustfile
from harness.openers import own_opener
from harness.record import Word
from harness.report import drill_index, drill_page
from harness.runbook.executing import path_with_harness
from harness.stack.spec import StackSpec
from harness.store import RunFolder
from harness.watching import View

EXIT_CODES = {Word.PASS: 0, Word.FAIL: 1, Word.UNKNOWN: 4}
TOOLS = "bin"
"""In the folder of a drill's backups: a `harness` that is this one, for jobs and steps."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a drill. `seq` is the number of its record; `page` is None where it could not be made, and `trouble`
    says why."""

    name: str
    folder: RunFolder
    ending: Ending
    judgement: Judgement
    seq: int
    page: Path | None
    trouble: HarnessError | None = None

    @property
    def exit_code(self) -> int:
        if self.ending.still_broken:
            return 5
        if self.ending.signal is not None:
            return 128 + self.ending.signal
        return 3 if self.judgement.reason == BASELINE_BAD else EXIT_CODES[self.judgement.word]

    def to_json(self) -> dict[str, Any]:
        """As `harness drill run --json` prints it."""
        body = self.judgement.body
        return {
            "drill": self.name,
            "word": self.judgement.word,
            "sentence": self.judgement.sentence,
            "exit_code": self.exit_code,
            "record": self.seq,
            "folder": str(self.folder.path),
            "page": str(self.page) if self.page else None,
            **{name: body[name] for name in ("objectives", "actual", "writes", "checks", "verdict", "aborted")},
        }


def do(
    loaded: LoadedDrill,
    spec_with: Callable[[Path], StackSpec],
    kind: str,
    *,
    reports: Path,
    command: Sequence[str],
    view: View,
    sabotage: str = "",
) -> Done:
    """Conduct a drill. `spec_with` gives the stack whose backups are in that folder.

    A drill whose load has begun is recorded, whatever became of it. Raises HarnessError, with nothing recorded, where
    it never began: the stack or the load could not start.
    """
    drills = (reports / "drills").resolve()
    drills.mkdir(parents=True, exist_ok=True)
    chain.ready(drills, say=view.say)
    locustfile = find_locustfile(loaded.drill.load, loaded.path)
    backups = Path(tempfile.mkdtemp(prefix=underway.BACKUPS))
    note: underway.Note | None = None
    try:
        backups.chmod(0o755)
        spec = spec_with(backups)
        open_stack = own_opener(spec, kind, view.say)
        folder = store.create(drills, loaded.name)
        begun = bodies.opening(loaded, locustfile, spec, kind, folder, drills, sabotage)
        note = underway.begin(drills, begun, backups)
        environment = _environment(folder, backups)
        orders = Orders(loaded, plan_of(loaded.name, loaded.drill), locustfile, backups, environment, sabotage)
        with Interrupts() as interrupts:
            run = DrillRun(orders, folder, command, view, interrupts)
            ending = run.execute(run.opened(open_stack), lambda: _baseline_trouble(folder, loaded), report.make_ready)
    except HarnessError:
        if note is not None:
            underway.end(note)
        raise
    finally:
        underway.remove_backups(backups)
    view.say("judging ...")
    judgement = bodies.close(folder, begun)
    record = chain.append(drills, "drill", judgement.body, say=view.say)
    underway.end(note)
    page, trouble = _page(drills, folder, judgement, record.seq)
    return Done(loaded.name, folder, ending, judgement, record.seq, page, trouble)


def _environment(folder: RunFolder, backups: Path) -> dict[str, str]:
    """What the runbook, the jobs and what must be there before find besides ours."""
    tools = backups / TOOLS
    tools.mkdir()
    path = path_with_harness(tools, os.environ)
    given = {"HARNESS_STACK": str(folder.stack), "BACKUPS": str(backups), "PATH": path}
    given["EVIDENCE"] = str(folder.path / "evidence")
    return {**os.environ, **given}


def _baseline_trouble(folder: RunFolder, loaded: LoadedDrill) -> str | None:
    asked = (Availability(ok_ratio_min=loaded.drill.ok_ratio_min),)
    failed = [one for one in judge_baseline(history.read(folder), asked) if one.word is Word.FAIL]
    return " ".join(one.sentence for one in failed) or None


def _page(drills: Path, folder: RunFolder, judgement: Judgement, seq: int) -> tuple[Path | None, HarnessError | None]:
    """The page of the drill, and that of all drills with it: what cannot be shown is recorded all the same."""
    try:
        drill_page.build(folder, {**judgement.body, "seq": seq})
        drill_index.build_index(drills)
        return folder.report, None
    except HarnessError as error:
        return None, error
