"""Schema drift: a column that is called otherwise, that is new, that stands elsewhere. All rows are touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.baddata.choosing import drawn, field_for
from harness.baddata.table import Table, Unfit

if TYPE_CHECKING:
    from harness.baddata.mutation import Done, Mutation

ADDED = "added_column"


def renamed(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """The column has `_v2` behind its name."""
    field = field_for(table, asked, lambda row, field: field in row.values)
    name = f"{field}_v2"
    if name in table.columns:
        raise Unfit(f"it has a column {name!r} already")
    rows = [row for row in table.rows if field in row.values]
    table.rename(field, name)
    return table.content(), rows, [field, name]


def added(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """One more column behind the last, with a word in each row."""
    name = asked.field or ADDED
    if name in table.columns:
        raise Unfit(f"it has a column {name!r} already")
    rows = [row for row in table.rows if row.values]
    table.add(name, table.written("new"))
    return table.content(), rows, [name]


def reordered(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """The columns in another order, names and values alike: who goes by names sees no difference."""
    if len(table.columns) < 2:
        raise Unfit("it has only one column")
    order = sorted(table.columns, key=lambda name: drawn(asked.seed, name))
    if order == list(table.columns):
        order = [*order[1:], order[0]]
    moved = [name for name, before in zip(order, table.columns, strict=True) if name != before]
    rows = [row for row in table.rows if row.values]
    table.reorder(order)
    return table.content(), rows, [name for name in table.columns if name in moved]
