"""Bodies with rows, as JSON and as CSV, and both read back as plain rows."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

ROWS = [
    {"id": f"r{n}", "who": f"name {n}", "cents": 100 + n, "currency": "EUR", "at": f"2026-02-1{n}T09:00:00+01:00"}
    for n in range(6)
]
COLUMNS = list(ROWS[0])


def as_json(rows: list[dict[str, Any]] | None = None) -> bytes:
    return json.dumps({"header": {"count": 6}, "rows": ROWS if rows is None else rows}).encode()


def as_csv(rows: list[dict[str, Any]] | None = None) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(ROWS if rows is None else rows)
    return text.getvalue().encode()


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """Of a body that is whole; numbers of CSV stay texts."""
    if body.startswith(b"{"):
        found: list[dict[str, Any]] = json.loads(body)["rows"]
        return found
    return list(csv.DictReader(io.StringIO(body.decode("utf-8", "surrogateescape"), newline="")))
