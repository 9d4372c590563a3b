"""The files of a backup against its manifest: sizes and SHA-256, one missing, one too many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from harness.backup.manifest import NAME, Manifest
from harness.backup.report import Judgement
from harness.record import Word

_CHUNK = 1 << 20


def sha256(path: Path, step: Callable[[], object] = lambda: None) -> str:
    """`step` is called between the pieces: it may raise, as when the time is over."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            step()
            digest.update(chunk)
    return digest.hexdigest()


def listed(folder: Path) -> dict[str, tuple[int, str]]:
    """Path to (bytes, sha256) of every plain file of a backup's folder, as manifests keep it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path != folder / NAME:
            found[str(path.relative_to(folder))] = (path.stat().st_size, sha256(path))
    return found


def judge_files(folder: Path, manifest: Manifest, main: Path, step: Callable[[], object] = lambda: None) -> Judgement:
    """Pass when every file of the manifest is there with its bytes, and `main`, the dump (a file or a folder) or the
    folder of the base backup, is among them. `step` may raise, as when the time is over."""
    every = sorted(manifest.files.items())
    wrong = [sentence for name, then in every if (sentence := _wrong(folder, name, *then, step))]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Judgement("files", Word.FAIL, wrong[0] + more, {"wrong": len(wrong)})
    name = str(main.relative_to(folder)) if main != folder else "."
    if manifest.files and not any(one == name or one.startswith(f"{name}/") or name == "." for one, _ in every):
        some = ", ".join(one for one, _ in every[:3])
        sentence = f"{name} is not in the manifest, which is of {some}: give the backup that it was written for"
        return Judgement("files", Word.FAIL, sentence)
    if not manifest.files:
        return Judgement("files", Word.FAIL, "the manifest lists no file")
    return Judgement(
        "files", Word.PASS, f"{len(manifest.files)} files are as they were", {"files": len(manifest.files)}
    )


def _wrong(folder: Path, name: str, size: int, digest: str, step: Callable[[], object]) -> str:
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
        return "" if sha256(path, step) == digest else f"{name} is not what it was: another SHA-256"
    except OSError as error:
        return f"{name} cannot be read: {error.strerror or error}"
