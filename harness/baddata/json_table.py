"""JSON as rows: a list of objects, or an object that holds one. Changed where it is written, so that the rest stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.baddata.table import NOT_UTF8, Row, Table, Unfit, id_among, name_of

COLUMNS_FROM_ROWS = 100
DEPTH_MAX = 4
"""Objects in one another, in which a list of rows is looked for."""
_DECODER = json.JSONDecoder(parse_float=Decimal)
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member of an object stands in a text: its name, its value."""

    name: str
    start: int
    name_end: int
    value_start: int
    end: int


class JsonTable(Table):
    """Raises Unfit where there is not one list of rows."""

    def __init__(self, text: str, id_field: str) -> None:
        try:
            _, end = _DECODER.raw_decode(text, _skip(text, 0))
        except (ValueError, ArithmeticError, RecursionError) as error:  # a number that no decimal can hold, for one
            raise Unfit(f"it is not JSON ({error})"[:200]) from error
        if _skip(text, end) != len(text):
            raise Unfit(f"it is not JSON (more behind its end, at character {end})")
        lists = [one for one in _lists(text, _skip(text, 0), "") if one[1]]
        if not lists:
            raise Unfit("it holds no list of rows")
        fit = [(where, items, found) for where, items in lists if (found := id_among(_columns(items), id_field))]
        if len(fit) > 1:
            raise Unfit(f"it holds several lists of rows: {', '.join(where for where, _, _ in fit)}"[:200])
        if not fit:
            wanted = f"no field {id_field!r}" if id_field else "no field of ids (id, row_id, *_id): say id_field"
            raise Unfit(f"its rows have {wanted}")
        _, items, self.id_field = fit[0]
        self.columns = _columns(items)
        self.before, self.after = text[: items[0][1]], text[items[-1][2] :]
        self.between = text[items[0][2] : items[1][1]] if len(items) > 1 else ","
        self.rows = []
        for position, (value, start, end) in enumerate(items, 1):
            values = value if isinstance(value, dict) else {}
            self.rows.append(Row(name_of(values.get(self.id_field), position), text[start:end], values))

    def written(self, value: Any) -> str:
        return json.dumps(value).replace(json.dumps(NOT_UTF8)[1:-1], NOT_UTF8)

    def replace(self, row: Row, field: str, written: str) -> None:
        member = next(one for one in reversed(_members(row.text, 0)) if one.name == field)
        row.text = row.text[: member.value_start] + written + row.text[member.end :]

    def remove(self, row: Row, field: str) -> None:
        members = _members(row.text, 0)
        at = next(index for index, one in enumerate(members) if one.name == field)
        start, end = members[at].start, members[at].end
        if at + 1 < len(members):
            end = members[at + 1].start
        elif at:
            start = members[at - 1].end
        row.text = row.text[:start] + row.text[end:]

    def rename(self, field: str, name: str) -> None:
        for row in self.rows:
            for one in reversed(_members(row.text, 0)):
                if one.name == field:
                    row.text = row.text[: one.start] + json.dumps(name) + row.text[one.name_end :]

    def add(self, name: str, written: str) -> None:
        for row in self.rows:
            if members := _members(row.text, 0):
                end = members[-1].end
                row.text = f"{row.text[:end]}, {json.dumps(name)}: {written}{row.text[end:]}"

    def reorder(self, names: Sequence[str]) -> None:
        order = {name: place for place, name in enumerate(names)}
        for row in self.rows:
            members = _members(row.text, 0)
            sorted_ = sorted(members, key=lambda one: order.get(one.name, len(order)))
            text, at = "", 0
            for place, member in zip(members, sorted_, strict=True):
                text += row.text[at : place.start] + row.text[member.start : member.end]
                at = place.end
            row.text = text + row.text[at:]


def _skip(text: str, at: int) -> int:
    """Where the next character stands that is no space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _members(text: str, at: int) -> list[_Member]:
    """Those of the object that begins there; none where something else does."""
    found: list[_Member] = []
    if text[at] != "{":
        return found
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, name_end = _DECODER.raw_decode(text, at)
        value_start = _skip(text, _skip(text, name_end) + 1)
        _, end = _DECODER.raw_decode(text, value_start)
        found.append(_Member(name, at, name_end, value_start, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


_Items = list[tuple[Any, int, int]]
"""The values of a list, each with where it begins and ends."""


def _items(text: str, at: int) -> _Items:
    found: _Items = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        found.append((value, at, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _lists(text: str, at: int, where: str, depth: int = 0) -> Iterator[tuple[str, _Items]]:
    """The list that begins there, or those that the object there holds, which are not in lists; with their names."""
    if text[at] == "[":
        yield where or "the body", _items(text, at)
    for member in _members(text, at) if depth < DEPTH_MAX else ():
        yield from _lists(text, member.value_start, f"{where}.{member.name}".lstrip("."), depth + 1)


def _columns(items: _Items) -> list[str]:
    """All fields of the first rows, in the order in which they come."""
    found: dict[str, None] = {}
    for value, _, _ in items[:COLUMNS_FROM_ROWS]:
        found |= dict.fromkeys(value if isinstance(value, dict) else ())
    return list(found)
