"""Keeps secrets out of what is passed on: run folders hold no password, token or key, and no credentials of a URL."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

KEPT_OUT = "(kept out)"
RECORD = "secrets.json"
SHORTEST = 6
"""A shorter value is in every other word of a log; it is no secret either."""

_SECRET_NAME = re.compile("pass|secret|token|key|credential|auth", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):([^/\s]+)(?=@)")
"""To the last @: one in a password may not have been escaped, and of several hosts each may have a password."""


def is_secret(name: str) -> bool:
    """Whether a variable of that name holds what is nobody else's business."""
    return _SECRET_NAME.search(name) is not None


def mask(name: str, value: str) -> str:
    """The value of a variable as it may be shown."""
    return KEPT_OUT if is_secret(name) and value else mask_urls(value)


def mask_urls(text: str) -> str:
    """A text without the passwords of its URLs."""
    return _IN_URL.sub(rf"\1:{KEPT_OUT}", text)


def shown(variables: Mapping[str, str], environments: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Variables as they may be shown: one that is harmless by its name may be a secret by where it goes."""
    secrets = secrets_in(environments)
    return {name: masked(mask(name, value), secrets) for name, value in variables.items()}


def secrets_in(environments: Iterable[Mapping[str, str]]) -> set[str]:
    """The secret values of some environments: those of secret names, and the passwords in URLs."""
    found: set[str] = set()
    for environment in environments:
        for name, value in environment.items():
            if is_secret(name):
                found.add(value)
            found.update(part for match in _IN_URL.finditer(value) for part in (match[2], match[2].partition("@")[0]))
    return {value for value in found if len(value) >= SHORTEST}


def remember(folder: Path, secrets: Iterable[str]) -> None:
    """Keep them in a private folder, for whoever takes the stack down."""
    path = folder / RECORD
    path.touch(mode=0o600)
    path.write_text(json.dumps(sorted(secrets, key=len, reverse=True)), encoding="utf-8")


def masked(text: str, secrets: Iterable[str]) -> str:
    """A text without them."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, KEPT_OUT)
    return text


def mask_files(folders: Iterable[str], paths: Iterable[str]) -> None:
    """Take out of these files what the records in those folders hold."""
    secrets: list[str] = []
    for folder in folders:
        with contextlib.suppress(OSError, ValueError):
            secrets += json.loads((Path(folder) / RECORD).read_text(encoding="utf-8"))
    for path in map(Path, paths):
        with contextlib.suppress(OSError):
            before = after = path.read_bytes()
            for secret in secrets:
                after = after.replace(secret.encode(), KEPT_OUT.encode())
            if after != before:
                path.write_bytes(after)
