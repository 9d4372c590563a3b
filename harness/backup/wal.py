"""The WAL archive of a physical backup: what pg_receivewal or an archive_command left, its .partial and .history
files."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

from harness.backup.running import Bad, NotJudged

_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{16})(\.partial)?(\.gz|\.zst)?\Z")
_SEGMENT_2 = re.compile(r"([0-9A-F]{8})([0-9A-F]{16})(\.gz|\.zst)?(\.partial)?\Z")
_HISTORY = re.compile(r"([0-9A-F]{8}\.history)(\.gz|\.zst)?\Z")
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


def gather(
    archive: Path,
    into: Path,
    start: str,
    segment_bytes: int,
    own: Callable[[Path], None],
    space: Callable[[int], None],
) -> int:
    """Copies of all segments from `start` on and of all histories, whole and unpacked; how many. A .partial one serves
    where there is no whole one: recovery reads as far as it is written."""
    chosen: dict[str, Path] = {}
    for path in sorted(archive.iterdir()):
        found = _SEGMENT.match(path.name) or _SEGMENT_2.match(path.name)
        history = _HISTORY.match(path.name)
        if found and found[2] >= start[8:]:
            name = found[1] + found[2]
            if ".partial" not in path.name or name not in chosen:
                chosen[name] = path
        elif history:
            chosen[history[1]] = path
    plain_bytes = sum(path.stat().st_size for path in chosen.values())
    space(plain_bytes)
    for name, path in chosen.items():
        _copy(path, into / name)
        if ".partial" in path.name and (into / name).stat().st_size < segment_bytes:
            os.truncate(into / name, segment_bytes)
        own(into / name)
    return len(chosen)


def _copy(path: Path, to: Path) -> None:
    if ".gz" in path.name:
        try:
            with gzip.open(path) as source, to.open("wb") as target:
                shutil.copyfileobj(source, target)
        except (OSError, EOFError, zlib.error) as error:
            if ".partial" not in path.name:
                raise Bad("wal", f"{path.name} cannot be unpacked: {error}") from error
    elif ".zst" in path.name:
        try:
            with to.open("wb") as target:
                done = subprocess.run(["zstd", "-dcq", path], stdout=target, stderr=subprocess.DEVNULL)
        except OSError as error:
            raise NotJudged(f"{path.name} is compressed with zstd, and there is no program zstd: install it") from error
        if done.returncode != 0:
            raise Bad("wal", f"{path.name} cannot be unpacked")
    else:
        shutil.copyfile(path, to)
