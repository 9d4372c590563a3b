"""Runbooks for tests: small ones, written to a file."""

from __future__ import annotations

from pathlib import Path

from harness.runbook.model import Runbook
from harness.runbook.reading import read

FRONT = "---\ntitle: It is down\nalerts: [Down]\nservices: [db]\ndrills: [db-down]\n---\n"


def step(name: str, command: str = "echo done", expect: str = ": exit 0", more: str = "", seconds: float = 10) -> str:
    """A step as it is written in a runbook; `expect` is what follows that word, `more` is a line of its own."""
    first = f"### {name}: do {name}\nTakes 0.1 s, time-out {seconds:g} s.\n"
    return f"{first}{more}\n```sh\n{command}\n```\nExpect{expect}\n"


def decision(name: str, options: str = "`one` | `other`") -> str:
    return f"### {name}: which?\nDecision: {options}.\n"


def text(
    *,
    look: str = "",
    do: str = step("do"),
    prove: str = step("prove"),
    back: str = "",
    after: str = "",
    front: str = FRONT,
) -> str:
    """A whole runbook, by its sections."""
    return (
        f"{front}# It is down\n## Symptoms\nNobody answers.\n## Pre-flight\n{look}\n## Procedure\n{do}\n"
        f"## Verification\n{prove}\n## Rollback\n{back}\n## Post-incident\n{after}\n"
    )


def book(folder: Path, **sections: str) -> Runbook:
    path = folder / "down.md"
    path.write_text(text(**sections), encoding="utf-8")
    return read(path)
