"""What can be asked for, as data, and the one function that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.baddata import cells, columns, files, rows
from harness.baddata.reading import read
from harness.baddata.table import Row, Table, Unfit
from harness.bounds import ratio, whole
from harness.errors import one_of

Done: TypeAlias = tuple[bytes, Sequence[Row], Sequence[str]]
"""What a mutation made of a body, and the rows and the fields that it touched."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A mutation, and which of the parameters mean something to it."""

    do: Callable[[Table, Mutation, Table | None], Done]
    takes: tuple[str, ...] = ()
    asks_earlier: bool = False
    """It needs the body that came before."""


_SOME = ("rows", "ratio")
KINDS: Mapping[str, Kind] = {
    "missing-field": Kind(cells.missing_field, (*_SOME, "field")),
    **{name: Kind(cells.change, (*_SOME, "field")) for name in cells.CELLS},
    "renamed-column": Kind(columns.renamed, ("field",)),
    "added-column": Kind(columns.added, ("field",)),
    "reordered-columns": Kind(columns.reordered),
    "duplicate-rows": Kind(rows.duplicate_rows, _SOME),
    "out-of-order": Kind(rows.out_of_order, _SOME),
    "late-rows": Kind(rows.late_rows, _SOME, asks_earlier=True),
    "truncated": Kind(files.truncated, _SOME),
    "duplicate-file": Kind(files.duplicate_file),
    "replay": Kind(files.replay, asks_earlier=True),
    "bom": Kind(files.bom),
    "utf-16": Kind(files.utf_16),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """`rows` or `ratio` of all rows, one row if neither is said; which of them follows from `seed` and their ids.

    Where `field` is empty it is the first that can be so changed. `id_field` names the rows' ids where it is none of
    id, row_id, *_id.
    """

    kind: str
    rows: int = 0
    ratio: float = 0.0
    field: str = ""
    id_field: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(one_of("mutation", str(self.kind), KINDS))
        whole("rows", self.rows, zero_allowed=True)
        ratio("ratio", self.ratio)
        whole("seed", self.seed, zero_allowed=True)
        for name in ("field", "id_field"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is the name of a field; given {getattr(self, name)!r}")
        if self.rows and self.ratio:
            raise ValueError(f"say rows or ratio, not both; given rows={self.rows} and ratio={self.ratio:g}")
        takes = KINDS[self.kind].takes
        if idle := [name for name in ("rows", "ratio", "field") if getattr(self, name) and name not in takes]:
            taken = f"takes {', '.join(takes)}" if takes else "takes all of the body"
            raise ValueError(f"{self.kind} {taken}; {' and '.join(idle)} would do nothing: leave it out")


@dataclass(frozen=True, slots=True)
class Mutated:
    """`rows` are those that were touched, by id in their order; `fields` those of them, none where all of a row was.

    Where the body stayed as it was, `note` says why.
    """

    body: bytes
    rows: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    note: str = ""


def mutate(body: bytes, mutation: Mutation, earlier: bytes | None = None) -> Mutated:
    """The body with the mutation; `earlier` is the one that came before it, for those that bring it back."""
    kind = KINDS[mutation.kind]
    try:
        table = read(body, mutation.id_field)
        before = read(earlier, mutation.id_field) if kind.asks_earlier and earlier is not None else None
        made, touched, fields = kind.do(table, mutation, before)
    except Unfit as why:
        return Mutated(body, note=str(why))
    return Mutated(made, tuple(row.name for row in touched), tuple(fields))
