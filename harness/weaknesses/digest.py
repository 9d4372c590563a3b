"""What a result depends on, in a word: another scenario, harness or target has another digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import harness
from harness.errors import ScenarioError

HARNESS = Path(harness.__file__).parent
LEFT_OUT = ("report", "weaknesses", "__pycache__")
"""Of the harness: what only reads what a run has left, and what is compiled."""


def digest(root: Path, paths: Iterable[Path], words: Iterable[str]) -> str:
    """Of what is in these files and folders, by their names from `root`, and of these words. Raises ScenarioError."""
    made = hashlib.sha256()
    try:
        for name, path in sorted((_name(one, root), one) for given in paths for one in _files(given)):
            made.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    except OSError as error:
        raise ScenarioError(f"{error.filename} cannot be read: {error.strerror or error}") from error
    for word in words:
        made.update(f"{word}\0".encode())
    return made.hexdigest()[:16]


def of_the_harness() -> str:
    """Of all of its code that a verdict may hang on."""
    return digest(HARNESS, (one for one in HARNESS.iterdir() if one.name not in LEFT_OUT), ())


def _files(path: Path) -> Iterable[Path]:
    """The file, or all of the folder's but what is hidden or compiled."""
    if path.is_file():
        return [path]
    return (
        one
        for one in path.rglob("*")
        if one.is_file() and not any(part.startswith((".", "__pycache__")) for part in one.relative_to(path).parts)
    )


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name
