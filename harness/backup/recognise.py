"""Tells what a backup is by its bytes, never by its names: what pg_dump, pg_dumpall and pg_basebackup write, and our
own folders. What cannot be told raises Bad("recognise") with a sentence."""

from __future__ import annotations

import os
import re
import tarfile
from dataclasses import replace
from pathlib import Path

from harness.backup.archive_header import HEAD_BYTES, MAGIC, Head, read_head
from harness.backup.manifest import NAME
from harness.backup.packed import DAMAGED, compression_of, head_of, lines_of, opened
from harness.backup.running import Bad
from harness.backup.shape import (
    BASE,
    BASE_TAR,
    CLUSTER,
    CUSTOM,
    DIRECTORY,
    LOGICAL,
    PHYSICAL,
    PLAIN,
    TAR,
    Shape,
)
from harness.backup.unpack import ARCHIVE
from harness.errors import BackupError

_DUMP = "-- PostgreSQL database dump\n"
_CLUSTER = "-- PostgreSQL database cluster dump\n"
_SERVER = re.compile(r"^-- Dumped from database version (.+)$", re.MULTILINE)
_TOOL = re.compile(r"^-- Dumped by pg_dump(?:all)? version (.+)$", re.MULTILINE)
_FIRST_BYTES = 65536
_BESIDE = re.compile(
    r"^\.|\.(?:md5|sha\d+|md5sum|sha\d+sum|asc|sig|log|err|out|txt|md|json|list|toc|done|ok)$", re.IGNORECASE
)


def recognise(backup: Path) -> Shape:
    """Raises Bad("recognise"), also where nothing is there, and BackupError where it is no backup but a server's own
    folder."""
    if not os.path.lexists(backup):
        raise Bad("recognise", f"there is no backup at {backup}")
    if backup.is_dir():
        return _folder(backup)
    if not backup.is_file():
        raise BackupError(f"{backup} is neither a file nor a folder")
    shape = _file(backup)
    if shape is None:
        raise Bad("recognise", f"{_described(backup)} is none of what pg_dump, pg_dumpall and pg_basebackup write")
    return shape


def _described(path: Path) -> str:
    if path.is_dir():
        return f"the folder {path.name}"
    size = path.stat().st_size
    return f"{path.name} ({size} bytes)" if size else f"{path.name} is empty, and"


def _folder(folder: Path) -> Shape:
    if (folder / "postmaster.pid").exists():
        raise BackupError(
            f"{folder} is the data of a server (it has a postmaster.pid), not a backup; make one of it first"
        )
    manifest = folder / NAME if (folder / NAME).is_file() else None
    if (folder / "PG_VERSION").exists() or (folder / "global" / "pg_control").exists():
        return _base(folder, manifest)
    if (folder / "toc.dat").is_file():
        return _archive(folder, DIRECTORY, _bytes(folder / "toc.dat"), manifest)
    if _has_archives(folder):
        return Shape(PHYSICAL, BASE_TAR, folder, server=_version_in_tar(folder), manifest=manifest)
    inner = folder / "base"
    if (inner / "PG_VERSION").exists() or (inner / "global" / "pg_control").exists() or (inner / "base").is_dir():
        return _base(inner, manifest)
    if inner.is_dir() and _has_archives(inner):
        return Shape(PHYSICAL, BASE_TAR, inner, server=_version_in_tar(inner), manifest=manifest)
    return _of_dumps(folder, manifest)


def _of_dumps(folder: Path, manifest: Path | None) -> Shape:
    if not any(folder.iterdir()):
        raise Bad("recognise", f"{folder.name} is an empty folder")
    if (folder / "logical").is_dir() or (folder / "physical").is_dir():
        raise BackupError(f"{folder} holds many backups; give one: harness backup latest {folder} says the newest")
    held = [one for one in sorted(folder.iterdir()) if not _beside(one)]
    by_path = {one: _inner(one) for one in held}
    found = [shape for shape in by_path.values() if shape is not None]
    roles = next((one.main for one in found if one.format == CLUSTER and _is_globals(one)), None)
    dumps = [one for one in found if one.main != roles]
    if len(dumps) > 1:
        raise Bad("recognise", f"{folder.name} holds {len(dumps)} dumps ({_names(dumps)}): give one of them")
    if dumps and (strange := next((one for one, shape in by_path.items() if shape is None), None)):
        raise Bad(
            "recognise",
            f"{_described(strange)} is none of what pg_dump and pg_dumpall write, and lies beside "
            f"{dumps[0].main.name}, which may be of another day: move it away, or give {dumps[0].main.name} itself",
        )
    if not dumps:
        listed = ", ".join(sorted(one.name for one in folder.iterdir())[:5])
        raise Bad("recognise", f"{folder.name} holds no dump and no base backup that can be recognised, only: {listed}")
    one = dumps[0]
    return Shape(one.kind, one.format, one.main, one.server, one.tool, one.database, roles, manifest, one.compression)


def _beside(path: Path) -> bool:
    """Whether it is nothing to restore by its name: a manifest, a sum, a signature, a log."""
    return path.name in (NAME, "lost+found", "SHA256SUMS", "MD5SUMS") or bool(_BESIDE.search(path.name))


def _inner(path: Path) -> Shape | None:
    if path.is_dir():
        return _archive(path, DIRECTORY, _bytes(path / "toc.dat"), None) if (path / "toc.dat").is_file() else None
    return _file(path) if path.is_file() else None


def _names(shapes: list[Shape]) -> str:
    return ", ".join(one.main.name for one in shapes)


def _base(folder: Path, manifest: Path | None) -> Shape:
    try:
        version = (folder / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        version = ""
    return Shape(PHYSICAL, BASE, folder, server=version, manifest=manifest)


def _is_base(path: Path) -> bool:
    return (found := ARCHIVE.match(path.name)) is not None and found[1] == "base"


def _has_archives(folder: Path) -> bool:
    return any(_is_base(one) for one in folder.iterdir())


def _version_in_tar(folder: Path) -> str:
    """What PG_VERSION in the archive of a base backup says, "" where it says nothing."""
    archive = next(one for one in sorted(folder.iterdir()) if _is_base(one))
    try:
        with opened(archive, whole=False) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if member.name.removeprefix("./") == "PG_VERSION" and (file := tar.extractfile(member)) is not None:
                    return file.read(64).decode(errors="replace").strip()
    except (tarfile.TarError, *DAMAGED) as error:
        raise Bad("recognise", f"{archive.name} cannot be unpacked to its end: {error}") from error
    return ""


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_FIRST_BYTES)


def _archive(main: Path, kind: str, data: bytes, manifest: Path | None) -> Shape:
    try:
        head: Head = read_head(data[:HEAD_BYTES])
    except ValueError as error:
        raise Bad("recognise", f"{main.name}: {error}") from error
    return Shape(LOGICAL, kind, main, head.server, head.tool, head.database, manifest=manifest)


def _file(path: Path) -> Shape | None:
    compression, data = compression_of(head_of(path)), _first_bytes(path)
    if data.startswith(MAGIC):
        return replace(_archive(path, CUSTOM, data, None), compression=compression)
    if data[257:262] == b"ustar":
        shape = _tar(path)
        return shape and replace(shape, compression=compression if shape.format == TAR else "")
    text = data.decode(errors="replace")
    kind = CLUSTER if _CLUSTER in text else PLAIN if _DUMP in text else ""
    if not kind and not compression:
        return None
    if not kind:
        raise Bad("recognise", f"{path.name} is compressed with {compression}, and no dump of pg_dump is within")
    server, tool = _SERVER.search(text), _TOOL.search(text)
    return Shape(LOGICAL, kind, path, server[1] if server else "", tool[1] if tool else "", compression=compression)


def _tar(path: Path) -> Shape | None:
    """What is in it, by its first members: pg_dump writes toc.dat first."""
    try:
        with opened(path, whole=False) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if member.name == "toc.dat" and (file := tar.extractfile(member)) is not None:
                    return _archive(path, TAR, file.read(HEAD_BYTES), None)
                if member.name.removeprefix("./") in ("PG_VERSION", "backup_label"):
                    return _base_tar(path)
    except (tarfile.TarError, *DAMAGED, ValueError) as error:
        raise Bad("recognise", f"{path.name} is a tar archive that cannot be read: {error}") from error
    return None


def _base_tar(path: Path) -> Shape:
    """The folder of an archive of pg_basebackup, where the others of it are."""
    if not _is_base(path):
        raise BackupError(
            f"{path} holds a base backup, under a name of its own; give a folder with base.tar (.gz, .zst, .lz4), as "
            "pg_basebackup -Ft writes it"
        )
    manifest = path.parent / NAME
    return Shape(
        PHYSICAL,
        BASE_TAR,
        path.parent,
        server=_version_in_tar(path.parent),
        manifest=manifest if manifest.is_file() else None,
    )


def _first_bytes(path: Path) -> bytes:
    """The beginning of a file, unpacked."""
    try:
        with opened(path, whole=False) as stream:
            return stream.read(_FIRST_BYTES)
    except DAMAGED as error:
        raise Bad("recognise", f"{path.name} cannot be unpacked: {error}") from error


def _is_globals(shape: Shape) -> bool:
    """Whether a dump of pg_dumpall holds roles only: it connects to no database. Such a one is small."""
    if shape.main.stat().st_size > 64 * 1024 * 1024:
        return False
    return not any(line.startswith(b"\\connect ") or line == _DUMP.encode() for line in lines_of(shape.main))
