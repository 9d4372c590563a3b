"""Tells what a backup is by its bytes, never by its names: what pg_dump, pg_dumpall and pg_basebackup write, and our
own folders. What cannot be told raises Bad("recognise") with a sentence."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import tarfile
import zlib
from pathlib import Path

from harness.backup.archive_header import HEAD_BYTES, MAGIC, Head, read_head
from harness.backup.manifest import NAME
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
from harness.backup.unpack import opened
from harness.errors import BackupError

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_DUMP = "-- PostgreSQL database dump\n"
_CLUSTER = "-- PostgreSQL database cluster dump\n"
_SERVER = re.compile(r"^-- Dumped from database version (.+)$", re.MULTILINE)
_TOOL = re.compile(r"^-- Dumped by pg_dump(?:all)? version (.+)$", re.MULTILINE)
_FIRST_BYTES = 65536


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
    if any(folder.glob("base.tar*")):
        return Shape(PHYSICAL, BASE_TAR, folder, server=_version_in_tar(folder), manifest=manifest)
    inner = folder / "base"
    if (inner / "PG_VERSION").exists() or (inner / "global" / "pg_control").exists() or (inner / "base").is_dir():
        return _base(inner, manifest)
    if inner.is_dir() and any(inner.glob("base.tar*")):
        return Shape(PHYSICAL, BASE_TAR, inner, server=_version_in_tar(inner), manifest=manifest)
    return _of_dumps(folder, manifest)


def _of_dumps(folder: Path, manifest: Path | None) -> Shape:
    if not any(folder.iterdir()):
        raise Bad("recognise", f"{folder.name} is an empty folder")
    if (folder / "logical").is_dir() or (folder / "physical").is_dir():
        raise BackupError(f"{folder} holds many backups; give one: harness backup latest {folder} says the newest")
    found = [shape for one in sorted(folder.iterdir()) if (shape := _inner(one)) is not None]
    roles = next((one.main for one in found if one.format == CLUSTER and _is_globals(one)), None)
    dumps = [one for one in found if one.main != roles]
    if len(dumps) > 1:
        raise Bad("recognise", f"{folder.name} holds {len(dumps)} dumps ({_names(dumps)}): give one of them")
    if not dumps:
        listed = ", ".join(sorted(one.name for one in folder.iterdir())[:5])
        raise Bad("recognise", f"{folder.name} holds no dump and no base backup that can be recognised, only: {listed}")
    one = dumps[0]
    return Shape(one.kind, one.format, one.main, one.server, one.tool, one.database, roles, manifest, one.compression)


def _inner(path: Path) -> Shape | None:
    if path.name == NAME or path.name.startswith("."):
        return None
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


def _version_in_tar(folder: Path) -> str:
    """What PG_VERSION in the archive of a base backup says, "" where it says nothing."""
    archive = next(iter(sorted(folder.glob("base.tar*"))))
    try:
        with opened(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if member.name.removeprefix("./") == "PG_VERSION" and (file := tar.extractfile(member)) is not None:
                    return file.read(64).decode(errors="replace").strip()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
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
    data = _bytes(path)
    if data.startswith(MAGIC):
        return _archive(path, CUSTOM, data, None)
    if data[257:262] == b"ustar":
        return _tar(path)
    compression = "gzip" if data.startswith(GZIP) else "zstd" if data.startswith(ZSTD) else ""
    text = first_text(path, compression)
    if compression and text[257:262] == "ustar":
        return _base_tar(path)
    kind = CLUSTER if _CLUSTER in text else PLAIN if _DUMP in text else ""
    if not kind and not compression:
        return None
    if not kind:
        raise Bad("recognise", f"{path.name} is compressed with {compression}, and no dump of pg_dump is within")
    server, tool = _SERVER.search(text), _TOOL.search(text)
    return Shape(LOGICAL, kind, path, server[1] if server else "", tool[1] if tool else "", compression=compression)


def _tar(path: Path) -> Shape | None:
    try:
        with tarfile.open(path) as tar:
            member = tar.next()
            while member is not None:
                if member.name == "toc.dat" and (file := tar.extractfile(member)) is not None:
                    return _archive(path, TAR, file.read(HEAD_BYTES), None)
                if member.name.removeprefix("./") in ("PG_VERSION", "backup_label"):
                    return _base_tar(path)
                member = tar.next()
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
        raise Bad("recognise", f"{path.name} is a tar archive that cannot be read: {error}") from error
    return None


def _base_tar(path: Path) -> Shape:
    """The folder of an archive of pg_basebackup, where the others of it are."""
    if not path.name.startswith("base.tar"):
        raise BackupError(
            f"{path} holds a base backup, under a name of its own; give a folder with base.tar (.gz, .zst), as "
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


def first_text(path: Path, compression: str) -> str:
    """The beginning of a dump in plain SQL."""
    if compression == "gzip":
        try:
            with gzip.open(path) as file:
                return file.read(_FIRST_BYTES).decode(errors="replace")
        except (OSError, EOFError, zlib.error) as error:
            raise Bad("recognise", f"{path.name} cannot be unpacked: {error}") from error
    if compression == "zstd":
        try:
            with subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as popen:
                assert popen.stdout is not None
                data = popen.stdout.read(_FIRST_BYTES)
                popen.kill()
        except OSError:
            raise BackupError(
                f"{path.name} is compressed with zstd, and there is no program zstd: install it"
            ) from None
        return data.decode(errors="replace")
    return _bytes(path).decode(errors="replace")


def _is_globals(shape: Shape) -> bool:
    """Whether a dump of pg_dumpall holds roles only, as it is: it connects to no database. Such a one is small."""
    if shape.compression or shape.main.stat().st_size > 64 * 1024 * 1024:
        return False
    with shape.main.open("rb") as file:
        return not any(line.startswith(b"\\connect ") or line == _DUMP.encode() for line in file)
