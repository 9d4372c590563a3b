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


def in_words(value_s: float) -> str:
    """`14 s`, `35 min`, `26 h`: in the largest unit of which it is two at least, or one and no more."""
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if value_s >= 2 * unit_s or (value_s >= unit_s and value_s % unit_s == 0):
            return f"{round(value_s / unit_s, 1):g} {unit}"
    return f"{round(value_s, 1):g} s"
