"""Mutations of one field in some rows: missing, null, another type, unit, currency, time zone, what no table holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.baddata.choosing import chosen, drawn, field_for
from harness.baddata.json_table import JsonTable
from harness.baddata.table import NOT_UTF8, Row, Table, Unfit

if TYPE_CHECKING:
    from harness.baddata.mutation import Done, Mutation

HUGE_LENGTH = 100_000
FORMULAS = "=+-@"
OTHER_NUMBER = 12345
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?")
DIGITS_MAX = 30
"""On either side of the point: `1e999999999` in full would be a gigabyte."""
_NUMBER = re.compile(rf"-?\d{{1,{DIGITS_MAX}}}(\.\d{{1,{DIGITS_MAX}}})?")


def null(table: Table, value: Any, draw: int) -> str | None:
    return table.written(None) if value not in (None, "") else None


def wrong_type(table: Table, value: Any, draw: int) -> str | None:
    """A number as a text, a text as a number; CSV knows texts only, so there a word where a number was."""
    if not isinstance(table, JsonTable):
        return "n/a" if _number(value) is not None else None
    if isinstance(value, str):
        return table.written(OTHER_NUMBER)
    if isinstance(value, int | float | Decimal):
        return table.written(str(value).lower() if isinstance(value, bool) else str(value))
    return None


def unit_x100(table: Table, value: Any, draw: int) -> str | None:
    """Cents for euros. Nothing is a hundred times itself but zero, which is left out."""
    number = _number(value)
    if not number:
        return None
    times = format(number * 100, "f")
    return table.written(times) if isinstance(value, str) else times


def nan(table: Table, value: Any, draw: int) -> str | None:
    return "NaN" if _number(value) is not None else None


def inf(table: Table, value: Any, draw: int) -> str | None:
    return "Infinity" if _number(value) is not None else None


def wrong_currency(table: Table, value: Any, draw: int) -> str | None:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        return None
    return table.written("USD" if value != "USD" else "EUR")


def time_zone(table: Table, value: Any, draw: int) -> str | None:
    """The same clock face, eight hours west; of a time without a zone the clock is eight hours behind."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    face, zone = found.groups()
    if zone:
        return table.written(face + ("+00:00" if zone in ("-08:00", "-0800") else "-08:00"))
    try:
        return table.written((datetime.fromisoformat(face) - timedelta(hours=8)).isoformat(face[10]))
    except (ValueError, OverflowError):
        return None


def nul_byte(table: Table, value: Any, draw: int) -> str | None:
    return table.written(f"{value[:1]}\0{value[1:]}") if _is_text(value) else None


def latin_1(table: Table, value: Any, draw: int) -> str | None:
    """One letter in another encoding than the rest."""
    return table.written(value + NOT_UTF8) if _is_text(value) else None


def huge_field(table: Table, value: Any, draw: int) -> str | None:
    return table.written((value * HUGE_LENGTH)[:HUGE_LENGTH]) if _is_text(value) else None


def csv_formula(table: Table, value: Any, draw: int) -> str | None:
    """What a spreadsheet would run."""
    return table.written(FORMULAS[draw % len(FORMULAS)] + value) if _is_text(value) else None


Cell = Callable[[Table, Any, int], str | None]
"""(the table, a value, a number drawn for its row): what is to stand there, None where it cannot be so changed."""

CELLS: Mapping[str, Cell] = {
    "null": null,
    "wrong-type": wrong_type,
    "unit-x100": unit_x100,
    "nan": nan,
    "inf": inf,
    "wrong-currency": wrong_currency,
    "time-zone": time_zone,
    "nul-byte": nul_byte,
    "latin-1": latin_1,
    "huge-field": huge_field,
    "csv-formula": csv_formula,
}


def change(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """Each of the chosen rows gets another value there."""
    cell = CELLS[asked.kind]

    def other(row: Row, field: str) -> str | None:
        return cell(table, row.values[field], drawn(asked.seed, row.name)) if field in row.values else None

    rows, field = _rows_and_field(table, asked, lambda row, field: other(row, field) is not None)
    for row in rows:
        written = other(row, field)
        assert written is not None
        table.replace(row, field, written)
    return table.content(), rows, [field]


def missing_field(table: Table, asked: Mutation, earlier: Table | None) -> Done:
    """Each of the chosen rows loses the field: in CSV the cell, so that those behind it move up."""
    rows, field = _rows_and_field(table, asked, lambda row, field: field in row.values)
    for row in rows:
        table.remove(row, field)
    return table.content(), rows, [field]


def _rows_and_field(table: Table, asked: Mutation, fits: Callable[[Row, str], bool]) -> tuple[list[Row], str]:
    field = field_for(table, asked, fits)
    rows = chosen([row for row in table.rows if fits(row, field)], len(table.rows), asked)
    if not rows:
        raise Unfit(f"no row has a value in {field!r} that {asked.kind} can change")
    return rows, field


def _number(value: Any) -> Decimal | None:
    """The number that a value is, or that a text says."""
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if abs(number.adjusted()) <= DIGITS_MAX else None


def _is_text(value: Any) -> bool:
    """A text with something in it that is no number."""
    return isinstance(value, str) and value != "" and _number(value) is None
