"""Unpacks the tar archives of a base backup where nothing can get out of: no path, link, device or bomb."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from harness.backup.packed import DAMAGED, opened
from harness.backup.running import Bad, Deadline, NotJudged

RATIO_MAX, FREE_BYTES = 200, 512 * 1024 * 1024
"""An archive may unpack to this many times its size, and this much more: no base backup is as thin as a bomb."""
ARCHIVE = re.compile(r"(base|pg_wal|\d+)\.tar(?:\.(?:gz|zst|zstd|lz4))?\Z")
"""The names that pg_basebackup gives; what lies beside them, as sums do, is none."""
MEMBERS_MAX = 5_000_000
RESERVE_BYTES = 64 * 1024 * 1024
_CHUNK = 1 << 20


def unpack(archive: Path, into: Path, deadline: Deadline) -> None:
    """Every plain file and folder of the archive. Raises Bad("archive") for what is not safe, Bad("restore") for what
    is cut or damaged, NotJudged where there is no space."""
    limit = archive.stat().st_size * RATIO_MAX + FREE_BYTES
    written = 0
    seen: set[str] = set()
    try:
        with opened(archive, step=deadline.left_s) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                deadline.left_s()
                name = safe_name(archive.name, member)
                if name is None:
                    continue
                if name in seen or len(seen) > MEMBERS_MAX:
                    raise Bad("archive", f"{archive.name} holds {name!r} more than once; refused")
                seen.add(name)
                place = into / name
                if member.isdir():
                    place.mkdir(parents=True, exist_ok=True)
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                source = tar.extractfile(member)
                assert source is not None
                with place.open("xb") as file:
                    while chunk := source.read(_CHUNK):
                        written += len(chunk)
                        if written > limit:
                            raise Bad(
                                "archive", f"{archive.name} unpacks to more than {RATIO_MAX} times its size; refused"
                            )
                        file.write(chunk)
                if file_size(place) != member.size:
                    raise Bad("restore", f"{archive.name} is cut within {name}")
                say_no_space(into, RESERVE_BYTES)
    except (tarfile.TarError, *DAMAGED, ValueError) as error:
        raise Bad("restore", f"{archive.name} cannot be unpacked to its end: {error}") from error


def unpack_file(packed: Path, to: Path, deadline: Deadline) -> None:
    """A file that was compressed as a whole. Raises what `unpack` does."""
    limit = packed.stat().st_size * RATIO_MAX + FREE_BYTES
    try:
        with opened(packed, step=deadline.left_s) as stream, to.open("xb") as file:
            while chunk := stream.read(_CHUNK):
                deadline.left_s()
                say_no_space(to.parent, RESERVE_BYTES)
                file.write(chunk)
                if file.tell() > limit:
                    raise Bad("archive", f"{packed.name} unpacks to more than {RATIO_MAX} times its size; refused")
    except DAMAGED as error:
        raise Bad("restore", f"{packed.name} cannot be unpacked to its end: {error}") from error


def file_size(path: Path) -> int:
    return path.stat().st_size


def say_no_space(folder: Path, needed: int) -> None:
    """Raises NotJudged where so many bytes are not free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NotJudged(
            f"there is no space for the restore in {folder.parent}: it needs {needed / 1e6:.0f} MB and "
            f"{free / 1e6:.0f} MB "
            "are free; give a folder with more in --scratch"
        )


def safe_name(archive: str, member: tarfile.TarInfo) -> str | None:
    """Where a member goes below the folder; None for the folder itself, and for the links of tablespaces, which are
    made anew. Raises Bad("archive")."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\0" in member.name:
        raise Bad("archive", f"{archive} holds {member.name!r}, which leads out of its folder; refused")
    name = str(path)
    if name == ".":
        return None
    if member.issym() and path.parts[0] in ("pg_tblspc", "pg_wal") and len(path.parts) <= 2:
        return None
    if not (member.isreg() or member.isdir()) or member.issparse():
        what = f"a link to {member.linkname!r}" if member.issym() or member.islnk() else "no plain file"
        raise Bad("archive", f"{archive} holds {name!r}, which is {what}; refused")
    return name
