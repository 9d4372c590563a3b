"""Damage to the WAL that a base backup needs, which no manifest of files lists."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from random import Random

from harness.backup.mutants.files import flip_bit
from harness.backup.mutants.mutant import DoesNotFit, Mutant
from harness.backup.mutants.parts import PHYSICAL, SEGMENT, Parts
from harness.backup.mutants.sums import BACKUP_MANIFEST

SEGMENT_BYTES = 16 << 20


def needed(parts: Parts) -> list[Path]:
    """The archive's segments that only the archive has, from the end of the base backup to its target.

    Raises DoesNotFit where there are none.
    """
    segments = parts.segments()
    size = segments[0].stat().st_size if segments else SEGMENT_BYTES
    first = _place(_end_lsn(parts.data)) // size + 1
    found = [path for path in segments if _number_of(path, size) >= first and any(path.read_bytes())]
    lsn = str(parts.facts().get("lsn", ""))
    if lsn and (last := _place(lsn) // size) >= first:
        found = [path for path in found if _number_of(path, size) <= last]
    if not found:
        raise DoesNotFit("the archive has no WAL that the base backup needs")
    return found


def _end_lsn(base: Path) -> str:
    """Where the base backup's own WAL ends, from PostgreSQL's backup_manifest."""
    try:
        ranges = json.loads((base / BACKUP_MANIFEST).read_text(encoding="utf-8"))["WAL-Ranges"]
        return str(ranges[-1]["End-LSN"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DoesNotFit("the base backup has no backup_manifest that says where its WAL ends") from error


def _place(lsn: str) -> int:
    """An address of the WAL in bytes."""
    high, low = (int(part, 16) for part in lsn.split("/"))
    return (high << 32) | low


def _number_of(segment: Path, size: int) -> int:
    """The number of a segment, counted from the beginning of the WAL."""
    return int(segment.name[8:16], 16) * ((1 << 32) // size) + int(segment.name[16:24], 16)


def gap(parts: Parts, random: Random) -> str:
    """One segment of those that are needed is gone; those after it are there."""
    found = needed(parts)
    path = random.choice(found[:-1] or found)
    path.unlink()
    return f"{_said(path)} is gone, of {len(found)} that are needed"


def cut_end(parts: Parts, random: Random) -> str:
    """The last segment that is needed never came, nor did any after it."""
    found = needed(parts)
    for path in parts.segments():
        if path.name >= found[-1].name:
            path.unlink()
    return f"the archive ends before {_said(found[-1])}"


def flip_record(parts: Parts, random: Random) -> str:
    """One bit of a record of a needed segment is turned."""
    found = needed(parts)
    path = random.choice(found[:-1] or found)
    used = len(path.read_bytes().rstrip(b"\0"))
    offset = random.randrange(40, max(41, min(used, 1 << 20)))
    flip_bit(path, offset, random.randrange(8))
    return f"a bit of byte {offset} of {_said(path)} was turned"


def truncate_segment(parts: Parts, random: Random) -> str:
    """A needed segment is shorter than it must be."""
    found = needed(parts)
    path = random.choice(found[:-1] or found)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return f"{_said(path)} was cut in its middle"


def swap_segments(parts: Parts, random: Random) -> str:
    """A needed segment has the bytes of another."""
    others = [path for path in parts.segments() if path not in (found := needed(parts))]
    path = random.choice(found[:-1] or found)
    other = next((one for one in (*found, *others) if one != path), None)
    if other is None:
        raise DoesNotFit("the archive has one segment only")
    path.write_bytes(other.read_bytes())
    return f"{_said(path)} has the bytes of {_said(other)}"


def lose_own_wal(parts: Parts, random: Random) -> str:
    """The base backup's own pg_wal is empty; no manifest lists it."""
    folder = parts.data / "pg_wal"
    if parts.format == "basebackup-tar":
        archive = next(iter(sorted(parts.data.glob("pg_wal.tar*"))), None)
        if archive is None:
            raise DoesNotFit("the base backup has no WAL of its own")
        archive.unlink()
        return f"{archive.name} is gone"
    segments = [path for path in folder.iterdir() if SEGMENT.fullmatch(path.name)] if folder.is_dir() else []
    if not segments:
        raise DoesNotFit("the base backup has no WAL of its own")
    for path in segments:
        path.unlink()
    shutil.rmtree(folder / "archive_status", ignore_errors=True)
    (folder / "archive_status").mkdir(mode=0o700)
    return f"{len(segments)} segments are gone from pg_wal"


def flip_own_wal(parts: Parts, random: Random) -> str:
    """One bit of a record of the base backup's own WAL, before the place where it is consistent, is turned."""
    folder = parts.data / "pg_wal"
    label = parts.data / "backup_label"
    if not label.is_file() or not folder.is_dir():
        raise DoesNotFit("the base backup has no WAL of its own")
    match = re.search(r"CHECKPOINT LOCATION: ([0-9A-F]+)/([0-9A-F]+)", label.read_text(encoding="utf-8"))
    segments = sorted(path for path in folder.iterdir() if SEGMENT.fullmatch(path.name))
    if match is None or not segments:
        raise DoesNotFit("the base backup does not say where its WAL begins")
    size = segments[0].stat().st_size
    place = _place(f"{match[1]}/{match[2]}")
    path, at = next((one for one in segments if _number_of(one, size) == place // size), segments[0]), place % size
    flip_bit(path, at + random.randrange(26, 60), random.randrange(8))  # in the checkpoint that recovery begins with
    return f"a bit of the checkpoint record in {_said(path)} was turned"


def _said(segment: Path) -> str:
    return f"WAL segment {segment.name}"


MUTANTS = (
    Mutant("wal-gap", "One WAL segment of those needed is gone.", PHYSICAL, on_files=gap, wal=True),
    Mutant("wal-ends-early", "The archive ends before the target.", PHYSICAL, on_files=cut_end, wal=True),
    Mutant("wal-flipped", "One bit of a needed WAL record was turned.", PHYSICAL, on_files=flip_record, wal=True),
    Mutant("wal-truncated", "A needed WAL segment was cut.", PHYSICAL, on_files=truncate_segment, wal=True),
    Mutant("wal-mixed-up", "A needed WAL segment has another's bytes.", PHYSICAL, on_files=swap_segments, wal=True),
    Mutant("own-wal-lost", "The base backup's own WAL is gone.", PHYSICAL, on_files=lose_own_wal),
    Mutant(
        "own-wal-flipped",
        "One bit of the record that recovery begins with was turned.",
        ("basebackup",),
        on_files=flip_own_wal,
        at_birth=True,
    ),
)
