"""What a backup is made of: which file or folder holds the data, the roles, the manifest and the WAL.

Told from what is in the files, never from their names, and apart from the verifier's own eyes: a verifier that does not
see a part must not keep that part from being damaged.
"""

from __future__ import annotations

import gzip
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import MutationError

MANIFEST = "manifest.json"
SEGMENT = re.compile(r"[0-9A-F]{24}")
WAL_FILE = re.compile(r"[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history")
HEAD_BYTES = 4096

LOGICAL = ("custom", "directory", "tar", "plain", "plain-gz", "cluster")
PHYSICAL = ("basebackup", "basebackup-tar")
FORMATS = (*LOGICAL, *PHYSICAL)


@dataclass(frozen=True, slots=True)
class Parts:
    """One backup. `data` is the dump's file or folder, or the folder of the base backup; `wal` the archive, None
    without one."""

    root: Path
    format: str
    data: Path
    globals: Path | None = None
    manifest: Path | None = None
    wal: Path | None = None

    @property
    def is_physical(self) -> bool:
        return self.format in PHYSICAL

    def facts(self) -> Mapping[str, Any]:
        """The manifest; nothing where there is none, or it is none."""
        if self.manifest is None:
            return {}
        try:
            read = json.loads(self.manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}

    def data_files(self) -> list[Path]:
        """The regular files that hold the data, by name; links are left out."""
        if not self.data.is_dir():
            return [self.data]
        return sorted(p for p in self.data.rglob("*") if p.is_file() and not p.is_symlink())

    def largest(self) -> Path:
        """The file that holds most of the data."""
        found = self.data_files()
        if not found:
            raise MutationError(f"{self.data} holds no file that could be damaged")
        return max(found, key=lambda path: (path.stat().st_size, path.name))

    def segments(self) -> list[Path]:
        """The archive's whole WAL segments, in their order."""
        if self.wal is None:
            return []
        return sorted(path for path in self.wal.iterdir() if SEGMENT.fullmatch(path.name))


def recognise(root: Path) -> Parts:
    """The parts of the backup in a folder. Raises MutationError where there is none."""
    if not root.is_dir():
        raise MutationError(f"{root} is not a folder")
    manifest = root / MANIFEST
    found = _data(root)
    if found is None:
        raise MutationError(
            f"{root} holds no backup that is known: a dump (custom, directory, tar, plain, gzip, pg_dumpall) or a "
            "base backup (plain or tar)"
        )
    kind, data = found
    roles = next((p for p in sorted(root.glob("globals*.sql")) if p != data), None)
    whole = Parts(root, kind, data, roles, manifest if manifest.is_file() else None)
    wal = root / str(whole.facts().get("wal", "wal"))
    return Parts(root, kind, data, roles, whole.manifest, wal if whole.is_physical and wal.is_dir() else None)


def _data(root: Path) -> tuple[str, Path] | None:
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())):
        if (folder / "PG_VERSION").is_file() or (folder / "backup_label").is_file():
            return "basebackup", folder
        if any(folder.glob("base.tar*")):
            return "basebackup-tar", folder
        if (folder / "toc.dat").is_file():
            return "directory", folder
    for path in sorted(root.iterdir()):
        if path.is_file() and path.name != MANIFEST and not path.name.startswith("globals"):
            kind = kind_of_file(path)
            if kind:
                return kind, path
    return None


def kind_of_file(path: Path) -> str:
    """Which format a dump in one file has; "" where it is none."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"PGDMP"):
        return "custom"
    if head[257:262] == b"ustar" and tarfile.is_tarfile(path):
        return "tar"
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as file:
                head = file.read(HEAD_BYTES)
        except (OSError, EOFError):
            return ""
        return "plain-gz" if b"PostgreSQL database dump" in head else ""
    if b"PostgreSQL database cluster dump" in head:
        return "cluster"
    return "plain" if b"PostgreSQL database dump" in head else ""
