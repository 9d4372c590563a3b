"""Drills that are under way, on disk: one that was killed is recorded as aborted by whoever comes next.

`.running-<number>.json` in reports/drills, from before anything is started until the record is written. Its drill holds
a lock on it for as long as it lives: so whoever shares the folder, in a container or by another machine, can tell.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.drill import body as bodies
from harness.drill.records import chain, files
from harness.errors import RunFolderError
from harness.store import RunFolder, read_json

PREFIX = ".running-"
BACKUPS = "harness-backups-"
"""How the folder of a drill's backups is called."""


@dataclass(frozen=True, slots=True)
class Note:
    """That a drill goes on; `held` is its file, locked, which no child inherits."""

    path: Path
    held: IO[str]


def begin(drills: Path, opening: Mapping[str, Any], backups: Path) -> Note:
    """Note that a drill begins. Raises RunFolderError."""
    note = {"opening": opening, "backups": str(backups)}
    number = len(files.record_files(drills)[0]) + 1
    try:
        while True:
            path = drills / f"{PREFIX}{number}.json"
            try:
                held = path.open("x", encoding="utf-8")
            except FileExistsError:
                number += 1
                continue
            fcntl.flock(held, fcntl.LOCK_EX)
            json.dump(note, held)
            held.flush()
            return Note(path, held)
    except OSError as error:
        raise RunFolderError(
            f"cannot write {drills}: {error.strerror or error}; free space or permissions there"
        ) from error


def end(note: Note) -> None:
    """Its record is written, or there is nothing to record."""
    note.path.unlink(missing_ok=True)
    note.held.close()


def close_abandoned(drills: Path, say: Callable[[str], None]) -> int:
    """Record as aborted every drill whose harness is gone without a record; how many. Raises RecordError."""
    if not any(drills.glob(f"{PREFIX}*.json")):
        return 0
    with _alone(drills):
        return sum(_close(drills, path, say) for path in sorted(drills.glob(f"{PREFIX}*.json")))


def _close(drills: Path, path: Path, say: Callable[[str], None]) -> bool:
    try:
        held = path.open("r+", encoding="utf-8")  # to write: a network's file system locks no other
    except OSError:
        return False
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False  # it goes on
        return _record(drills, path, say)


def _record(drills: Path, path: Path, say: Callable[[str], None]) -> bool:
    try:
        note = read_json(path)
        opening, backups = note["opening"], Path(note["backups"])
        folder = RunFolder(drills / opening["folder"])
    except (RunFolderError, KeyError, TypeError):
        return False  # being written right now, or not ours
    if not any(one.body.get("id") == opening["id"] for one in chain.read_chain(drills)):
        record = chain.append(drills, "drill", bodies.close(folder, opening).body)
        say(f"drill {opening['id']} was killed before its end: record {record.seq} says that it was aborted")
    remove_backups(backups)
    path.unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def _alone(drills: Path) -> Iterator[None]:
    """One at a time: a killed drill has one record."""
    lock = os.open(drills / f"{PREFIX}lock", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def remove_backups(backups: Path) -> None:
    """Remove the folder of a drill's own backups."""
    if backups.name.startswith(BACKUPS):
        with contextlib.suppress(OSError):
            shutil.rmtree(backups)
