"""CSV as rows, by the record that names the columns. What comes before that record stays as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from harness.baddata.table import Row, Table, Unfit, id_among, name_of

DELIMITERS = ",;\t|"
NAMES_WITHIN = 10
"""Records, of which one must name the columns: some files say something of themselves first."""

_Records = list[tuple[list[str], str]]
"""The cells of each record, and its text with its line end."""


class CsvTable(Table):
    """Raises Unfit where no record names the columns."""

    def __init__(self, text: str, id_field: str) -> None:
        try:
            self._delimiter, names = _names_at(text, id_field)
            records = _records(text, self._delimiter)
        except csv.Error as error:
            raise Unfit(f"it is not CSV ({error})") from error
        self.columns = records[names][0]
        found = id_among(self.columns, id_field)
        assert found is not None
        self.id_field = found
        if len(set(self.columns)) != len(self.columns):
            raise Unfit("it has two columns of one name")
        self._preamble = "".join(text for _, text in records[:names])
        self._names = records[names][1]
        self.between = self._names[len(self._names.rstrip("\r\n")) :] or "\n"
        self.rows = []
        for cells, record in records[names + 1 :]:
            if cells:
                values = dict(zip(self.columns, cells, strict=True)) if len(cells) == len(self.columns) else {}
                name = name_of(values.get(self.id_field), len(self.rows) + 1)
                self.rows.append(Row(name, record.rstrip("\r\n"), values))
        if not self.rows:
            raise Unfit("it holds no rows")
        self.before = self._preamble + self._names
        last = records[-1][1]
        self.after = last[len(last.rstrip("\r\n")) :]

    def written(self, value: Any) -> str:
        return "" if value is None else str(value)

    def replace(self, row: Row, field: str, written: str) -> None:
        at = self.columns.index(field)
        self._rewrite(row, lambda cells: [*cells[:at], written, *cells[at + 1 :]])

    def remove(self, row: Row, field: str) -> None:
        at = self.columns.index(field)
        self._rewrite(row, lambda cells: [*cells[:at], *cells[at + 1 :]])

    def rename(self, field: str, name: str) -> None:
        self._rename([name if one == field else one for one in self.columns])

    def add(self, name: str, written: str) -> None:
        self._rename([*self.columns, name])
        for row in self.rows:
            self._rewrite(row, lambda cells: [*cells, written])

    def reorder(self, names: Sequence[str]) -> None:
        order = [self.columns.index(name) for name in names]
        self._rename(names)
        for row in self.rows:
            self._rewrite(row, lambda cells: [cells[at] for at in order] if len(cells) == len(order) else cells)

    def _rename(self, columns: Sequence[str]) -> None:
        self._names = self._line(columns) + self.between
        self.before = self._preamble + self._names

    def _rewrite(self, row: Row, change: Callable[[list[str]], list[str]]) -> None:
        (cells, _), *_rest = _records(row.text, self._delimiter)
        row.text = self._line(change(cells))

    def _line(self, cells: Sequence[str]) -> str:
        line = io.StringIO()
        csv.writer(line, delimiter=self._delimiter, lineterminator="").writerow(cells)
        return line.getvalue()


def _names_at(text: str, id_field: str) -> tuple[str, int]:
    """(the delimiter, which record names the columns). Raises Unfit, csv.Error."""
    for delimiter in DELIMITERS:
        for at, (cells, _) in enumerate(_records(text, delimiter, NAMES_WITHIN)):
            if len(cells) > 1 and id_among(cells, id_field):
                return delimiter, at
    wanted = f"a column {id_field!r}" if id_field else "a column of ids (id, row_id, *_id); say id_field"
    raise Unfit(f"it is neither JSON nor CSV with {wanted}")


def _records(text: str, delimiter: str, count: int | None = None) -> _Records:
    """All, or the first ones. Raises csv.Error."""
    lines = io.StringIO(text, newline="").readlines() if count is None else _first_lines(text, count)
    reader = csv.reader(lines, delimiter=delimiter, strict=count is None)
    found: _Records = []
    at = 0
    for cells in reader:
        found.append((cells, "".join(lines[at : reader.line_num])))
        at = reader.line_num
    return found


def _first_lines(text: str, count: int) -> list[str]:
    source = io.StringIO(text, newline="")
    return [line for _ in range(count) if (line := source.readline(100_000))]
