"""Amounts as people say them, alike in every sentence, title and table."""

from __future__ import annotations

import math


def milliseconds(value: float | None) -> str:
    """`0.4 ms`, `71 ms`, `1.01 s`."""
    if value is None or math.isnan(value):
        return "nothing"
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if value >= 9.5 else f"{value:.1f} ms"


def percent(part: int, whole: int) -> str:
    """`0.3 %`, `20 %`; never 0 % or 100 % where it is not quite."""
    if whole == 0:
        return "none"
    if part in (0, whole):
        return "100 %" if part else "0 %"
    value = 100 * part / whole
    return f"{value:.0f} %" if 1 <= value <= 99 else f"{value:.1f} %" if 0.1 <= value <= 99.9 else f"{value:.2f} %"
