"""What stands above a runbook's text, between two lines of ---: YAML that says what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from harness.errors import RunbookError, one_of

FIELDS = ("title", "alerts", "services", "drills", "rules")


def front_matter(path: Path, lines: list[str]) -> tuple[dict[str, Any], int]:
    """(`title`, and tuples by the other names of FIELDS; the index of the first line below). Raises RunbookError."""
    if not lines or lines[0].strip() != "---":
        raise RunbookError(f"{path}:1: a runbook begins with front matter: a line ---, title: ..., a line ---")
    end = next((index for index, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        raise RunbookError(f"{path}:1: the front matter does not end; close it with a line ---")
    try:
        body = yaml.safe_load("\n".join(lines[1:end]))
    except yaml.YAMLError as error:
        at = getattr(error, "problem_mark", None)
        line = at.line + 2 if at else 1
        raise RunbookError(
            f"{path}:{line}: the front matter is not YAML ({getattr(error, 'problem', error)})"
        ) from error
    if not isinstance(body, dict):
        raise RunbookError(f"{path}:2: the front matter must be names with values, as in title: PostgreSQL is down")
    for name in body:
        if name not in FIELDS:
            raise RunbookError(f"{path}:{_line_of(lines, str(name))}: {one_of('field', str(name), FIELDS)}")
    title = body.get("title")
    if not isinstance(title, str) or not title.strip():
        raise RunbookError(f"{path}:2: title is missing; say in a few words what has failed")
    found: dict[str, Any] = {"title": title.strip()}
    for name in FIELDS[1:]:
        value = body.get(name) or []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            line = _line_of(lines, name)
            raise RunbookError(f"{path}:{line}: {name} must be a list of names, as in [one, other]; given {value!r}")
        found[name] = tuple(value)
    return found, end + 1


def _line_of(lines: list[str], name: str) -> int:
    return next((index for index, line in enumerate(lines, 1) if line.startswith(f"{name}:")), 1)
