"""Mutations of which rows come, and when: twice, in another order, late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.baddata.choosing import chosen
from harness.baddata.table import Table, Unfit

if TYPE_CHECKING:
    from harness.baddata.mutation import Done, Mutation


def duplicate_rows(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """The chosen rows once more, behind the last."""
    rows = chosen(table.rows, len(table.rows), asked)
    table.again(rows)
    return table.content(), rows, []


def out_of_order(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """The chosen rows, two at least, each in the place of the one before."""
    rows = chosen(table.rows, len(table.rows), asked, least=2)
    if len(rows) < 2:
        raise Unfit("it holds only one row")
    names = {id(row) for row in rows}
    places = [at for at, row in enumerate(table.rows) if id(row) in names]
    for at, row in zip(places, [*rows[1:], rows[0]], strict=True):
        table.rows[at] = row
    return table.content(), rows, []


def late_rows(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """The chosen rows are held back; those that were held back of the body before come behind the last."""
    if len(table.rows) < 2:
        raise Unfit("it holds only one row")
    rows = chosen(table.rows, len(table.rows), asked)[: len(table.rows) - 1]
    held = {id(row) for row in rows}
    table.rows = [row for row in table.rows if id(row) not in held]
    late = []
    if earlier is not None and len(earlier.rows) > 1 and list(earlier.columns) == list(table.columns):
        late = chosen(earlier.rows, len(earlier.rows), asked)[: len(earlier.rows) - 1]
    table.again(late)
    return table.content(), [*rows, *late], []
