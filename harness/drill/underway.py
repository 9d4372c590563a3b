"""Drills that are under way, on disk: one that was killed is recorded as aborted by whoever comes next.

`.running-<number>.json` in reports/drills, from before anything is started until the record is written.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.drill import body as bodies
from harness.drill.records import chain, files
from harness.errors import RunFolderError
from harness.stack.child import ProcessId, identify
from harness.store import RunFolder, read_json

PREFIX = ".running-"
BACKUPS = "harness-backups-"
"""How the folder of a drill's backups is called."""


def begin(drills: Path, opening: Mapping[str, Any], folder: RunFolder, backups: Path) -> Path:
    """Note that a drill begins; the note's path. Raises RunFolderError."""
    us = identify("harness", os.getpid())
    note = {
        "opening": opening,
        "folder": str(folder.path),
        "backups": str(backups),
        "process": asdict(us) if us else None,
    }
    number = len(files.record_files(drills)[0]) + 1
    try:
        while True:
            path = drills / f"{PREFIX}{number}.json"
            try:
                with path.open("x", encoding="utf-8") as file:
                    json.dump(note, file)
                return path
            except FileExistsError:
                number += 1
    except OSError as error:
        raise RunFolderError(
            f"cannot write {drills}: {error.strerror or error}; free space or permissions there"
        ) from error


def end(note: Path) -> None:
    """Its record is written, or there is nothing to record."""
    note.unlink(missing_ok=True)


def close_abandoned(drills: Path, say: Callable[[str], None]) -> int:
    """Record as aborted every drill whose harness is gone without a record; how many. Raises RecordError."""
    if not any(drills.glob(f"{PREFIX}*.json")):
        return 0
    with _alone(drills):
        return sum(_close(drills, path, say) for path in sorted(drills.glob(f"{PREFIX}*.json")))


def _close(drills: Path, path: Path, say: Callable[[str], None]) -> bool:
    try:
        note = read_json(path)
        process = ProcessId(**note["process"]) if note["process"] else None
        opening, folder, backups = note["opening"], RunFolder(Path(note["folder"])), Path(note["backups"])
    except (RunFolderError, KeyError, TypeError):
        return False  # being written right now, or not ours
    if process is not None and process.alive():
        return False
    if not any(one.body.get("id") == opening["id"] for one in chain.read_chain(drills)):
        record = chain.append(drills, "drill", bodies.close(folder, opening).body)
        say(f"drill {opening['id']} was killed before its end: record {record.seq} says that it was aborted")
    remove_backups(backups)
    end(path)
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
