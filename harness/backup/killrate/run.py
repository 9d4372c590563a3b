"""Makes the good backups and their mutants, has each verified, and keeps what was said."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from harness.backup import programs
from harness.backup.killrate import oracle
from harness.backup.killrate.good import Good
from harness.backup.killrate.result import Kept, Result, digest
from harness.backup.killrate.source import BEAT_AT
from harness.backup.killrate.trials import Trial
from harness.backup.mutants import DoesNotFit
from harness.backup.mutants.mutating import Bench, make
from harness.backup.mutants.parts import recognise
from harness.backup.options import Options
from harness.backup.running import Bad, NotJudged, OutOfTime
from harness.backup.verify import verify
from harness.errors import HarnessError
from harness.record import Word

HERE = Path(__file__).parent
WITHIN_S = 300.0
MARGIN_S = 12 * 3600.0
"""A backup may be so much older than the heartbeat of the good ones: less than an old one is."""
MEMORY = Path("/dev/shm")
FREE_BYTES_MIN = 3 << 30


def place() -> str:
    """Where to work: in memory, where there is enough, since thousands of files are made and taken away."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > FREE_BYTES_MIN:
        return str(MEMORY)
    return tempfile.gettempdir()


def results_digest() -> str:
    """What a verdict hangs on."""
    versions = [programs.version_of(folder) for _, folder in sorted(programs.installed().items())]
    return digest([HERE.parent, HERE, HERE.parent / "mutants"], versions)


class Shelf:
    """One good backup: made when it is first asked for, restored when a mutant of its content is."""

    def __init__(self, good: Good, folder: Path) -> None:
        self._good, self._folder = good, folder
        self._lock = threading.Lock()
        self._bench: Bench | None = None
        self._text: str | None = None
        self.left = 0

    def backup(self) -> Path:
        with self._lock:
            path = self._folder / self._good.name
            if not path.is_dir():
                making = self._folder / f".making-{self._good.name}"
                shutil.rmtree(making, ignore_errors=True)
                self._good.make(making)
                making.rename(path)
            return path

    def bench(self) -> Bench:
        path = self.backup()
        with self._lock:
            if self._bench is None:
                self._bench = Bench(recognise(path))
            self._bench.restore()
            return self._bench

    def text(self) -> str:
        path = self.backup()
        with self._lock:
            if self._text is None:
                self._text = oracle.text_of(recognise(path))
            return self._text

    def done(self) -> None:
        """One trial fewer; the last takes away what was restored."""
        with self._lock:
            self.left -= 1
            if self.left == 0:
                self._close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._bench is not None:
            self._bench.close()
            self._bench = None


def execute(
    todo: Sequence[Trial],
    kept: Kept,
    work: Path,
    say: Callable[[str], None],
    *,
    jobs: int,
    cancelled: Callable[[], bool],
) -> None:
    """Try all that is not known yet, `jobs` at a time. Raises HarnessError where a trial could not be made."""
    shelves = {trial.good.name: Shelf(trial.good, work) for trial in todo}
    for trial in todo:
        shelves[trial.good.name].left += 1
    missing = [trial for trial in todo if trial.key not in kept.found]
    for trial in todo:
        if trial.key in kept.found:
            shelves[trial.good.name].left -= 1
    lock, count = threading.Lock(), [len(todo) - len(missing)]

    def one(trial: Trial) -> None:
        if cancelled():
            return
        shelf = shelves[trial.good.name]
        try:
            result = attempt(trial, shelf, work)
        finally:
            shelf.done()
        with lock:
            kept.add(result)
            count[0] += 1
            end = result.word if trial.is_good else result.end
            say(f"{count[0]:4}/{len(todo)}  {end:12}  {trial.key}: {result.sentence or result.damage}")

    pool = ThreadPoolExecutor(jobs)
    try:
        for future in [pool.submit(one, trial) for trial in missing]:
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)
        for shelf in shelves.values():
            shelf.close()


def attempt(trial: Trial, shelf: Shelf, work: Path) -> Result:
    """One trial: the copy is made, verified and taken away."""
    began = time.monotonic()
    backup, damage = shelf.backup(), ""
    copy = Path(tempfile.mkdtemp(prefix="mutant-", dir=work)) / "backup"
    try:
        if trial.mutant is not None:
            bench = shelf.bench() if trial.mutant.on_content is not None else None
            try:
                damage = make(trial.mutant, backup, copy, trial.seed, bench).sentence
            except DoesNotFit as reason:
                return Result(trial.key, damage=str(reason), fits=False)
            backup = copy
        age_s = (datetime.now(UTC) - BEAT_AT).total_seconds()
        report = verify(backup, Options(max_age_s=age_s + MARGIN_S, within_s=WITHIN_S))
        same = False
        if trial.mutant is not None and not trial.is_good and report.word is not Word.FAIL:
            same = oracle.changes_nothing(backup, shelf.text())
        return Result(
            trial.key,
            word=str(report.word),
            detectors=tuple(dict.fromkeys(one.detector for one in report.failed)),
            unsure=tuple(dict.fromkeys(one.detector for one in report.judgements if one.word is Word.UNKNOWN)),
            damage=damage,
            sentence=report.sentence,
            changes_nothing=same,
            took_s=round(time.monotonic() - began, 2),
        )
    except (HarnessError, Bad, NotJudged, OutOfTime) as error:
        if trial.mutant is None:
            raise
        return Result(trial.key, word="error", damage=damage, sentence=f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(copy.parent, ignore_errors=True)
