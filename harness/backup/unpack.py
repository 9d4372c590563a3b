"""Unpacks the tar archives of a base backup where nothing can get out of: no path, link, device or bomb."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from harness.backup.running import Bad, Deadline, NotJudged

RATIO_MAX, FREE_BYTES = 200, 512 * 1024 * 1024
"""An archive may unpack to this many times its size, and this much more: no base backup is as thin as a bomb."""
MEMBERS_MAX = 5_000_000
RESERVE_BYTES = 64 * 1024 * 1024
_CHUNK = 1 << 20


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of an archive, unpacked by what it is: gzip, zstd or none."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(b"\x1f\x8b"):
        with gzip.open(path) as unpacked:
            yield unpacked  # type: ignore[misc]
    elif magic == b"\x28\xb5\x2f\xfd":
        try:
            popen = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError as error:
            raise NotJudged(f"{path.name} is compressed with zstd, and there is no program zstd: install it") from error
        assert popen.stdout is not None
        try:
            yield popen.stdout
            popen.stdout.read()
            if popen.wait() != 0:
                raise Bad("restore", f"{path.name} cannot be unpacked to its end")
        finally:
            popen.kill()
            popen.stdout.close()
            popen.wait()
    else:
        with path.open("rb") as file:
            yield file


def unpack(archive: Path, into: Path, deadline: Deadline) -> None:
    """Every plain file and folder of the archive. Raises Bad("archive") for what is not safe, Bad("restore") for what
    is cut or damaged, NotJudged where there is no space."""
    limit = archive.stat().st_size * RATIO_MAX + FREE_BYTES
    written = 0
    seen: set[str] = set()
    try:
        with opened(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
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
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
        raise Bad("restore", f"{archive.name} cannot be unpacked to its end: {error}") from error


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
