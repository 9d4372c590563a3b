"""The table: what was measured, beside what, and what is wanted of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `met` is None where nothing is wanted: a figure that stands beside another."""

    what: str
    value: str
    wanted: str = ""
    met: bool | None = None


def show(rows: Sequence[Row]) -> str:
    """The rows, aligned."""
    heads = ("measured", "value", "wanted", "")
    words = {True: "met", False: "NOT MET", None: ""}
    lines = [heads, *((row.what, row.value, row.wanted, words[row.met]) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    shown = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([shown[0], "-" * max(len(line) for line in shown), *shown[1:]])
