"""What the checks of data share: the answers that a service gave of itself, and why there is none."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.record import Account, History


def answers(history: History, service: str, path: str) -> list[Account]:
    """The good answers of a service to GET `path`, by time."""
    asked = (one for one in history.accounts if (one.service, one.path) == (service, path))
    return sorted((one for one in asked if 200 <= one.status < 300), key=lambda one: one.at_s)


def why_no_answer(history: History, service: str, path: str) -> str:
    """Why nothing can be said of an account that has no good answer, in a clause with what to do."""
    asked = Counter(one.status for one in history.accounts if (one.service, one.path) == (service, path))
    if not asked:
        return f"{service} was not asked for {path}: no account of it is in this run"
    said = ", ".join(f"{count} times {status or 'no answer'}" for status, count in sorted(asked.items()))
    return f"{service} gave no good answer to GET {path} ({said}); it must answer 200 and JSON (docs/checks.md)"


def value_at(body: Any, field: str) -> Any:
    """What an answer says in a field, `outer.inner` of one in a field; None where there is no such."""
    for name in field.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body
