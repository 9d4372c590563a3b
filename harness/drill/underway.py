"""Drills that are under way, on disk: one that was killed is recorded as aborted by whoever comes next.

`.running-<number>.json` in reports/drills, from before anything is started until the record is written.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
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
    note = {"opening": opening, "folder": str(folder.path), "backups": str(backups), "process": asdict(us) if us else None}
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
        raise RunFolderError(f"cannot write {drills}: {error.strerror or error}; free space or permissions there") from error


def end(note: Path) -> None:
    """Its record is written, or there is nothing to record."""
    note.unlink(missing_ok=True)


def close_abandoned(drills: Path, say: Callable[[str], None]) -> int:
    """Record as aborted every drill whose harness is gone without a record; how many. Raises RecordError."""
    count = 0
    for path in sorted(drills.glob(f"{PREFIX}*.json")):
        try:
            note = read_json(path)
            process = ProcessId(**note["process"]) if note["process"] else None
            opening, folder, backups = note["opening"], RunFolder(Path(note["folder"])), Path(note["backups"])
        except (RunFolderError, KeyError, TypeError):
            continue  # being written right now, or not ours
        if process is not None and process.alive():
            continue
        claimed = path.with_suffix(f".claimed-{os.getpid()}")
        try:
            path.rename(claimed)
        except FileNotFoundError:
            continue  # somebody else does it
        try:
            record = chain.append(drills, "drill", bodies.close(folder, opening).body)
        except BaseException:
            claimed.rename(path)
            raise
        remove_backups(backups)
        claimed.unlink(missing_ok=True)
        say(f"drill {opening['id']} was killed before its end: record {record.seq} says that it was aborted")
        count += 1
    return count


def remove_backups(backups: Path) -> None:
    """Remove the folder of a drill's own backups."""
    if backups.name.startswith(BACKUPS):
        with contextlib.suppress(OSError):
            shutil.rmtree(backups)
