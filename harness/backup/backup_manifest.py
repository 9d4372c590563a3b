"""backup_manifest of pg_basebackup, checked here: pg_verifybackup of one version refuses those of others, or does not
run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import google_crc32c

NAME = "backup_manifest"
VERSIONS = (1, 2)
_KEY = "PostgreSQL-Backup-Manifest-Version"
_UNSURE = re.compile(
    r"(?:pg_wal/.*|postgresql\.auto\.conf|manifest\.json|recovery\.signal|standby\.signal|backup_manifest)\Z", re.DOTALL
)
"""What may differ: restoring writes these, our own manifest came later, and WAL is not in the list."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of the list. `digest` is in hexadecimal, "" where the backup was made without."""

    path: str
    size: int
    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """`ranges` are (timeline, start, end) of the WAL that the backup needs, as LSNs."""

    files: Mapping[str, Listed]
    ranges: tuple[tuple[int, str, str], ...]


def parse(data: bytes) -> BackupManifest:
    """Raises ValueError with a sentence."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{NAME} is not JSON: {error}") from error
    if not isinstance(body, dict) or body.get(_KEY) not in VERSIONS:
        raise ValueError(
            f"{NAME} is of a version that is not known here: {body.get(_KEY) if isinstance(body, dict) else body!r}"
        )
    end = data.rstrip(b"\n").rfind(b"\n") + 1
    if hashlib.sha256(data[:end]).hexdigest() != str(body.get("Manifest-Checksum", "")).lower():
        raise ValueError(f"{NAME} is not what it was: its own checksum is another")
    try:
        files = [_listed(one) for one in body["Files"]]
        ranges = tuple((int(r["Timeline"]), str(r["Start-LSN"]), str(r["End-LSN"])) for r in body.get("WAL-Ranges", []))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{NAME} cannot be read: {type(error).__name__}: {error}") from error
    return BackupManifest({one.path: one for one in files}, ranges)


def _listed(entry: Mapping[str, Any]) -> Listed:
    path = (
        bytes.fromhex(entry["Encoded-Path"]).decode(errors="surrogateescape")
        if "Encoded-Path" in entry
        else entry["Path"]
    )
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f"it names {path!r}, which lies outside of the backup")
    return Listed(
        path, int(entry["Size"]), str(entry.get("Checksum-Algorithm", "NONE")).upper(), str(entry.get("Checksum", ""))
    )


def digest(path: Path, algorithm: str, step: Callable[[], object] = lambda: None) -> str:
    """As the manifest writes it. Raises ValueError for an algorithm that is not known, and what `step` raises between
    the pieces."""
    if algorithm == "CRC32C":
        crc = 0
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                step()
                crc = google_crc32c.extend(crc, chunk)
        return crc.to_bytes(4, "little").hex()
    if algorithm not in ("SHA224", "SHA256", "SHA384", "SHA512"):
        raise ValueError(f"its checksum algorithm {algorithm} is not known here")
    sha = hashlib.new(algorithm.lower())
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            step()
            sha.update(chunk)
    return sha.hexdigest()


def wrong_files(folder: Path, manifest: BackupManifest, step: Callable[[], object] = lambda: None) -> Iterator[str]:
    """A sentence for each file that is missing, another, or too many. Raises what `step` raises between the pieces."""
    for path, listed in sorted(manifest.files.items()):
        if _UNSURE.match(path):
            continue
        place = folder / path
        try:
            if not place.is_file():
                yield f"{path} is not there"
            elif (found := place.stat().st_size) != listed.size:
                yield f"{path} has {found} bytes; it had {listed.size}"
            elif (
                listed.algorithm != "NONE"
                and listed.digest
                and digest(place, listed.algorithm, step) != listed.digest.lower()
            ):
                yield f"{path} is not what it was: another checksum"
        except (OSError, ValueError) as error:
            yield f"{path} cannot be read: {error}"
    for place in sorted(folder.rglob("*")):
        name = str(place.relative_to(folder))
        if (
            place.is_file()
            and name not in manifest.files
            and not _UNSURE.match(name)
            and place.name != "tablespace_map"
        ):
            yield f"{name} is there, and was not when it was backed up"


def segments(start: str, end: str, timeline: int, segment_bytes: int) -> list[str]:
    """Names of the WAL segments from one LSN to another."""
    first, last = lsn_number(start) // segment_bytes, max(lsn_number(end) - 1, lsn_number(start)) // segment_bytes
    per_log = 0x100000000 // segment_bytes
    return [f"{timeline:08X}{number // per_log:08X}{number % per_log:08X}" for number in range(first, last + 1)]


def lsn_number(lsn: str) -> int:
    high, _, low = lsn.partition("/")
    return int(high, 16) << 32 | int(low, 16)
