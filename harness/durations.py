"""Durations as people write them on a command line."""

from __future__ import annotations

import re

_UNITS_S = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """`90`, `90s`, `1.5m`, `2h` in seconds. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", text.strip())
    if match is None:
        raise ValueError(f"a duration is a number with ms, s, m or h, such as 60s; given {text!r}")
    return float(match[1]) * _UNITS_S[match[2]]
