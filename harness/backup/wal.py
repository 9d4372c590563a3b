"""The WAL archive of a physical backup: what pg_receivewal or an archive_command left, its .partial and .history
files."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from harness.backup.packed import DAMAGED, opened
from harness.backup.running import Bad

_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{16})(\.partial)?(\.gz|\.zst|\.lz4)?\Z")
_SEGMENT_2 = re.compile(r"([0-9A-F]{8})([0-9A-F]{16})(\.gz|\.zst|\.lz4)?(\.partial)?\Z")
_HISTORY = re.compile(r"([0-9A-F]{8}\.history)(\.gz|\.zst|\.lz4)?\Z")
_START = re.compile(r"^START WAL LOCATION: [0-9A-F]+/[0-9A-F]+ \(file ([0-9A-F]{24})\)$", re.MULTILINE)
_TIMELINE = re.compile(r"^START TIMELINE: (\d+)$", re.MULTILINE)


def start_of(label: str) -> str:
    """The first segment that recovery needs, by backup_label. Raises Bad("backup_label")."""
    found = _START.search(label)
    if found is None:
        raise Bad("backup_label", "backup_label does not say where its WAL starts")
    return found[1]


def timeline_of(label: str) -> int | None:
    """The timeline that the backup was taken on."""
    found = _TIMELINE.search(label)
    return int(found[1]) if found else None


def choose(archive: Path, start: str, end: int | None, segment_bytes: int) -> dict[str, Path]:
    """By name, the segments of an archive from `start` to the one after that of the LSN `end`, and all histories: also
    of folders in it, where some was set aside. A .partial one serves where there is no whole one: recovery reads as far
    as it is written."""
    last = "G"
    if end is not None:
        number, per_log = end // segment_bytes + 1, 0x100000000 // segment_bytes
        last = f"{number // per_log:08X}{number % per_log:08X}"
    chosen: dict[str, Path] = {}
    for path in sorted(archive.rglob("*"), key=lambda one: (len(one.parts), one.name)):
        found = _SEGMENT.match(path.name) or _SEGMENT_2.match(path.name)
        history = _HISTORY.match(path.name)
        if found and start[8:] <= found[2] <= last:
            before = chosen.setdefault(found[1] + found[2], path)
            if ".partial" in before.name and ".partial" not in path.name:
                chosen[found[1] + found[2]] = path
        elif history:
            chosen.setdefault(history[1], path)
    return chosen


def bytes_of(paths: Iterable[Path]) -> int:
    """Of those that are still there."""
    found = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            found += path.stat().st_size
    return found


def lay(path: Path, to: Path, segment_bytes: int) -> None:
    """A copy of a file of an archive, unpacked. One that is being received may be whole, under its own name, by now."""
    try:
        _copy(path, to)
    except FileNotFoundError:
        if ".partial" not in path.name:
            raise
        _copy(path.with_name(path.name.replace(".partial", "")), to)
    if ".partial" in path.name and to.stat().st_size < segment_bytes:
        os.truncate(to, segment_bytes)


def _copy(path: Path, to: Path) -> None:
    """Unpacked where its name says that it is packed; of a partial one as much as there is."""
    if not any(suffix in path.name for suffix in (".gz", ".zst", ".lz4")):
        shutil.copyfile(path, to)
        return
    is_partial = ".partial" in path.name
    try:
        with opened(path, whole=not is_partial) as source, to.open("wb") as target:
            shutil.copyfileobj(source, target)
    except (Bad, *DAMAGED) as error:
        if not is_partial:
            raise Bad("wal", f"{path.name} cannot be unpacked: {error}") from error
