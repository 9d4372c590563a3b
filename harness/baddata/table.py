"""A body as rows: what JSON and CSV share. A row keeps its text as it came until a mutation touches it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

NAME_LENGTH_MAX = 255
NOT_UTF8 = "\udce9"
"""In a text: a byte that is not UTF-8 where it stands, an `é` of Latin-1."""


class Unfit(ValueError):
    """Why a body stays as it is, in a clause that begins with what is wrong."""


@dataclass(slots=True)
class Row:
    """`name` is its id, or where it stands (`row 3`) if it has none; `values` by field, as they came."""

    name: str
    text: str
    values: Mapping[str, Any]


class Table(ABC):
    """The rows of a body, with what stands before, between and behind them."""

    source: bytes
    """The body as it came."""
    mark = ""
    """Its byte order mark."""
    before = after = between = ""
    columns: Sequence[str]
    id_field: str
    rows: list[Row]

    @abstractmethod
    def written(self, value: Any) -> str:
        """A value as it stands in a row's text."""

    @abstractmethod
    def replace(self, row: Row, field: str, written: str) -> None:
        """Put another value there."""

    @abstractmethod
    def remove(self, row: Row, field: str) -> None:
        """Take the field out of the row."""

    @abstractmethod
    def rename(self, field: str, name: str) -> None:
        """Call a column otherwise."""

    @abstractmethod
    def add(self, name: str, written: str) -> None:
        """Put a column behind the last, with the same value in each row."""

    @abstractmethod
    def reorder(self, names: Sequence[str]) -> None:
        """Put the columns in this order."""

    def until(self, index: int) -> str:
        """All that comes before the row of that index."""
        return self.mark + self.before + "".join(row.text + self.between for row in self.rows[:index])

    def content(self) -> bytes:
        """The body."""
        return encoded(self.until(0) + self.between.join(row.text for row in self.rows) + self.after)

    def again(self, rows: Sequence[Row]) -> None:
        """Append these rows, as they are now."""
        self.rows += [replace(row) for row in rows]


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def name_of(found: Any, position: int) -> str:
    """What a row is called whose id is `found`, and which is at that position, counted from 1."""
    if isinstance(found, str) and found:
        return found[:NAME_LENGTH_MAX]
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)[:NAME_LENGTH_MAX]
    return f"row {position}"


def is_id(column: str) -> bool:
    lowered = column.lower()
    return lowered in ("id", "row_id") or lowered.endswith("_id")


def id_among(columns: Sequence[str], given: str) -> str | None:
    """The column of ids: the one that is given, else id, else row_id, else the first *_id."""
    if given:
        return given if given in columns else None
    ids = [one for one in columns if is_id(one)]
    return min(ids, key=lambda one: ("id", "row_id", one.lower()).index(one.lower()), default=None)
