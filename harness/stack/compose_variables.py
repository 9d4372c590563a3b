"""Compose's variables: put into a text, and found in a document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_NAME = re.compile(r"\$\{?(\w+)")
_ELSEWHERE = ("env_file", "extends", "include")
"""Keys that bring in other files, which may refer to variables that these do not."""
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:?[-+?])([^{}]*))?\}|(\w+))")


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Compose's `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; `$$` is a dollar sign."""

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, rule, other = match[1] or match[4], match[2] or "", match[3] or ""
        value = variables.get(name)
        is_set = value is not None and (value != "" or not rule.startswith(":"))
        if rule.endswith("+"):
            return other if is_set else ""
        return value if is_set and value is not None else (other if rule.endswith("-") else "")

    return _VARIABLE.sub(one, text)


def names_in(text: str) -> list[str]:
    return [match[1] or match[4] for match in _VARIABLE.finditer(text) if match[0] != "$$"]


def variables_in(document: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that the services' environments refer to, and their configs, with the values that they have."""
    kinds = (("services", "environment"), ("configs", "content"))
    bodies = ((body, key) for kind, key in kinds for body in (document.get(kind) or {}).values())
    texts = [str(body.get(key) if isinstance(body, dict) else "") for body, key in bodies]
    return {name: environment.get(name, "") for text in texts for name in names_in(text)}


def all_names_in(documents: Iterable[Mapping[str, Any]]) -> set[str] | None:
    """Every variable that Compose files refer to, wherever; None where that cannot be told from them alone."""
    found: set[str] = set()
    for document in documents:
        text = str(document).replace("$$", "")  # a dollar sign
        if any(f"'{key}':" in text for key in _ELSEWHERE):
            return None
        found |= {match[1] for match in _NAME.finditer(text)}
        for service in (document.get("services") or {}).values():
            given = (service.get("environment") if isinstance(service, dict) else None) or {}
            passed = [k for k, v in given.items() if v is None] if isinstance(given, dict) else map(str, given)
            found |= {name for name in passed if "=" not in name}  # from the shell, by its name alone
    return found
