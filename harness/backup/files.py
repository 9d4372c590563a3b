"""The files of a backup against its manifest: sizes and SHA-256, one missing, one too many."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from harness.backup.manifest import NAME, Manifest
from harness.backup.report import Judgement
from harness.record import Word


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listed(folder: Path) -> dict[str, tuple[int, str]]:
    """Path to (bytes, sha256) of every plain file of a backup's folder, as manifests keep it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path != folder / NAME:
            found[str(path.relative_to(folder))] = (path.stat().st_size, sha256(path))
    return found


def judge_files(folder: Path, manifest: Manifest) -> Judgement:
    """Pass when every file of the manifest is there with its bytes."""
    wrong = [sentence for name, then in sorted(manifest.files.items()) if (sentence := _wrong(folder, name, *then))]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Judgement("files", Word.FAIL, wrong[0] + more, {"wrong": len(wrong)})
    if not manifest.files:
        return Judgement("files", Word.FAIL, "the manifest lists no file")
    return Judgement(
        "files", Word.PASS, f"{len(manifest.files)} files are as they were", {"files": len(manifest.files)}
    )


def _wrong(folder: Path, name: str, size: int, digest: str) -> str:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        return f"the manifest names {name!r}, which lies outside of the backup"
    path = folder / name
    if not path.is_file():
        return f"{name} is not there"
    try:
        found = path.stat().st_size
        if found != size:
            return f"{name} has {found} bytes; it had {size}"
        return "" if sha256(path) == digest else f"{name} is not what it was: another SHA-256"
    except OSError as error:
        return f"{name} cannot be read: {error.strerror or error}"
