"""The copy that is damaged: everything a mutant does is done to it, and nothing leads from it back to the original."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from harness.backup.mutants.parts import MANIFEST, WAL_FILE, Parts, recognise
from harness.errors import MutationError

WAL = "wal"
"""Where the copy keeps its own WAL archive."""


def copy(backup: Path, to: Path) -> Parts:
    """The backup again, in the folder `to`, with the WAL that its manifest points to in `to`/wal.

    A link is copied as one only where it leads to another place of the backup by a relative path; of any other the copy
    gets what it leads to. Raises MutationError where `to` holds something, or one lies in the other.
    """
    here, there = backup.resolve(), to.resolve()
    if not here.exists():
        raise MutationError(f"no backup at {backup}")
    if there == here or here in there.parents or there in here.parents:
        raise MutationError(f"{to} and {backup} lie in one another; give a folder of its own")
    if to.is_symlink() or (to.exists() and (not to.is_dir() or any(to.iterdir()))):
        raise MutationError(f"{to} holds something already; give a folder that is new or empty")
    try:
        to.mkdir(parents=True, exist_ok=True)
        if here.is_dir():
            _copy_folder(here, to, here, (here,))
            _bring_wal(here, to)
        else:
            shutil.copy2(here, to / here.name)
    except OSError as error:
        raise MutationError(f"{backup} could not be copied: {error}") from error
    return recognise(to)


def _copy_folder(source: Path, to: Path, top: Path, seen: tuple[Path, ...]) -> None:
    for entry in sorted(os.scandir(source), key=lambda one: one.name):
        path, copied = Path(entry.path), to / entry.name
        if entry.is_symlink() and _stays_within(path, top):
            copied.symlink_to(os.readlink(path))
        elif path.is_dir():
            real = path.resolve()
            if real in seen:
                raise MutationError(f"{path} leads back to a folder that it lies in")
            copied.mkdir()
            _copy_folder(path, copied, top, (*seen, real))
        elif path.is_file():
            shutil.copy2(path, copied)
    shutil.copystat(source, to)


def _stays_within(link: Path, top: Path) -> bool:
    target = os.readlink(link)
    return not os.path.isabs(target) and top in link.resolve().parents


def _bring_wal(backup: Path, to: Path) -> None:
    """Copy the archive too, and let the copy's manifest point to it."""
    try:
        facts = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
        pointed = backup / facts["wal"]
    except (OSError, ValueError, TypeError, KeyError):
        return
    if not pointed.is_dir() or backup in pointed.resolve().parents:
        return
    (to / WAL).mkdir()
    for path in sorted(pointed.iterdir()):
        if WAL_FILE.fullmatch(path.name) and path.is_file():
            shutil.copy2(path, to / WAL / path.name)
    (to / MANIFEST).write_text(json.dumps({**facts, "wal": WAL}, indent=1) + "\n", encoding="utf-8")
