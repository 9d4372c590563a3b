"""One whole kill rate: which trials, what is known of them already, and what came of all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness.backup import programs
from harness.backup.killrate.good import goods
from harness.backup.killrate.page import Tried
from harness.backup.killrate.result import Kept
from harness.backup.killrate.run import execute, place, results_digest
from harness.backup.killrate.trials import Trial, trials
from harness.errors import Interrupted, MutationError, StartError, one_of
from harness.interrupts import Interrupts

WORK = "harness-kill-rate-"


def rate(names: Sequence[str], cache: Path, say: Callable[[str], None], *, jobs: int, thorough: bool = False) -> Tried:
    """Try all, or those of a good backup or a mutant that `names` has. Raises HarnessError, Interrupted."""
    majors = tuple(sorted(programs.installed()))
    if not majors:
        raise StartError("no PostgreSQL is here; mend it with: pip install 'resilience-harness[embedded]'")
    chosen = _chosen(trials(goods(majors), thorough=thorough or bool(names)), names)
    kept = Kept(cache / f"{results_digest()}.jsonl")
    for path in cache.glob("*.jsonl"):
        if path.stem != results_digest():
            path.unlink()
    was = tempfile.tempdir
    tempfile.tempdir = place()
    work = _work(Path(tempfile.tempdir))
    try:
        with Interrupts() as interrupts:
            execute(chosen, kept, work, say, jobs=jobs, cancelled=interrupts.came)
            if interrupts.number is not None:
                raise Interrupted(interrupts.number)
    finally:
        tempfile.tempdir = was
        shutil.rmtree(work, ignore_errors=True)
    return Tried([(trial, kept.found[trial.key]) for trial in chosen])


def _work(folder: Path) -> Path:
    """A folder of ours alone; what a kill left behind of earlier ones is taken away."""
    for old in folder.glob(f"{WORK}*"):
        if not Path("/proc", old.name.removeprefix(WORK)).exists():
            shutil.rmtree(old, ignore_errors=True)
    work = folder / f"{WORK}{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o711)
    return work


def _chosen(all_of_them: Iterable[Trial], names: Sequence[str]) -> list[Trial]:
    """Names of good backups narrow to those, names of mutants to these. Raises MutationError."""
    found = list(all_of_them)
    of_good = {trial.good.name for trial in found}
    of_mutants = {trial.mutant.name for trial in found if trial.mutant is not None}
    for name in names:
        if name not in of_good | of_mutants:
            raise MutationError(one_of("good backup or mutant", name, of_good | of_mutants))
    wanted_good, wanted_mutants = of_good & {*names} or of_good, of_mutants & {*names}
    return [
        trial
        for trial in found
        if trial.good.name in wanted_good
        and (not wanted_mutants or (trial.mutant is not None and trial.mutant.name in wanted_mutants))
    ]
