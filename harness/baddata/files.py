"""Mutations of a file as a whole: cut off, twice, an earlier one, in another encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.baddata.reading import BOM
from harness.baddata.table import Table, Unfit, encoded

if TYPE_CHECKING:
    from harness.baddata.mutation import Done, Mutation


def truncated(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """The last rows are lost, the first of them from its middle on."""
    count = len(table.rows)
    at = max(0, count - max(1, asked.rows or round(asked.ratio * count)))
    text = table.rows[at].text
    return encoded(table.until(at) + text[: len(text) // 2]), table.rows[at:], []


def duplicate_file(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """Every row once more, behind the last."""
    rows = list(table.rows)
    table.again(rows)
    return table.content(), rows, []


def replay(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """The body before this one, again. Its rows are those that come; the first body of all passes."""
    if earlier is None:
        raise Unfit("there was no other body before it")
    return earlier.source, earlier.rows, []


def bom(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """A byte order mark in front, which is part of the first column's name for who does not expect it."""
    if table.mark:
        raise Unfit("it has a byte order mark already")
    return BOM.encode() + table.content(), table.rows, []


def utf_16(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """All of it in UTF-16, as some spreadsheets save it."""
    text = table.content().decode("utf-8").removeprefix(BOM)
    return (BOM + text).encode("utf-16-le"), table.rows, []
