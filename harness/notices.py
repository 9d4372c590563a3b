"""Reads what the outpost heard of a stack: the alerts that it sent, and what its services said of themselves.

Each file is lines of JSON; a last line that was cut short is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.record import Account, Notice


def read_notices(path: Path) -> tuple[Notice, ...] | None:
    """In the order in which they came, those of the warm-up too: an alert may go on from there. None without a file."""
    if not path.is_file():
        return None
    found = []
    for fields in _lines(path):
        try:
            found.append(Notice(**{**fields, "at_s": float(fields["at_s"])}))
        except (KeyError, TypeError, ValueError):
            break
    return tuple(found)


def read_accounts(path: Path) -> tuple[Account, ...]:
    """In the order in which they came; those of the warm-up are before zero."""
    found = []
    for fields in _lines(path) if path.is_file() else ():
        try:
            found.append(Account(**{**fields, "at_s": float(fields["at_s"])}))
        except (KeyError, TypeError, ValueError):
            break
    return tuple(found)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError):
                return
            if not isinstance(fields, dict):
                return
            yield fields
