"""Reads a body as rows, whichever of the formats it has."""

from __future__ import annotations

from harness.baddata.csv_table import CsvTable
from harness.baddata.json_table import JsonTable
from harness.baddata.table import Table, Unfit

BOM = "\ufeff"


def read(body: bytes, id_field: str = "") -> Table:
    """The rows of a body; `id_field` names their ids where they are not found by themselves. Raises Unfit."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unfit(f"it is not UTF-8 at byte {error.start}") from error
    mark = BOM if text.startswith(BOM) else ""
    text = text[len(mark) :]
    if not text.strip():
        raise Unfit("it is empty")
    table: Table = JsonTable(text, id_field) if text.lstrip()[0] in "[{" else CsvTable(text, id_field)
    table.source, table.mark = body, mark
    return table
