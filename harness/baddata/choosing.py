"""Which rows and which field a mutation takes where the user leaves that open: by the seed and by the rows' own ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.baddata.table import Row, Table, Unfit, is_id

if TYPE_CHECKING:
    from harness.baddata.mutation import Mutation

LOOKED_AT = 100
"""Rows that are looked at to find a field."""


def drawn(seed: int, name: str) -> int:
    """A number for a row: the same whenever and wherever the row comes again."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest(), "big")


def chosen(rows: Sequence[Row], of: int, asked: Mutation, least: int = 1) -> list[Row]:
    """So many of these rows, in their order; a ratio is of all rows that there are, `of`."""
    wanted = max(least, asked.rows or round(asked.ratio * of))
    ranked = sorted(range(len(rows)), key=lambda at: drawn(asked.seed, rows[at].name))
    return [rows[at] for at in sorted(ranked[:wanted])]


def field_for(table: Table, asked: Mutation, fits: Callable[[Row, str], bool]) -> str:
    """The field that is named, else the first that fits the most rows; ids are left alone unless they are named."""
    if asked.field:
        if asked.field not in table.columns:
            raise Unfit(f"its rows have no field {asked.field!r}; they have {', '.join(table.columns)}"[:200])
        return asked.field
    counts = {
        column: sum(fits(row, column) for row in table.rows[:LOOKED_AT])
        for column in table.columns
        if column != table.id_field and not is_id(column)
    }
    best = max(counts, key=lambda column: counts[column], default="")
    if not best or not counts[best]:
        raise Unfit(f"its rows have no field that {asked.kind} can change")
    return best
