"""Compose's variables: put into a text, and found in a document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
