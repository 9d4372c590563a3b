"""The invoices of a day: the same for the same seed, whenever they are asked for."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time, timedelta, timezone
from fractions import Fraction

CUSTOMERS = 10
ZONE = timezone(timedelta(hours=1))
REFUND_RATIO = 0.03
FIRST_DAY, OPENING_DAY = date(2026, 1, 1), date(2026, 3, 1)
"""Two months are there from the beginning; then a day follows the other."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """A row. Money is in cents; a refund is negative; the time has its zone."""

    id: str
    customer: str
    month: str
    amount_cents: int
    currency: str
    issued_at: str


def invoices(day: date, seed: int, ratio: Fraction) -> list[Invoice]:
    """Of each customer one. The first always pays the same, from the opening day on `ratio` times that."""
    source = random.Random(f"{seed} {day}")
    rows = []
    for number in range(1, CUSTOMERS + 1):
        at = datetime.combine(day, time(8 + source.randrange(10), source.randrange(60)), ZONE)
        base = 10_000 + 1_000 * number
        amount = round(base * (ratio if day >= OPENING_DAY else 1)) if number == 1 else _amount(base, source)
        rows.append(
            Invoice(f"inv-{day}-{number:02}", f"customer-{number:02}", f"{day:%Y-%m}", amount, "EUR", at.isoformat("T"))
        )
    return rows


def _amount(base: int, source: random.Random) -> int:
    amount = round(base * source.uniform(0.9, 1.1))
    return -amount if source.random() < REFUND_RATIO else amount


def spoilt(rows: list[Invoice], column: str) -> list[Invoice]:
    """The last row of a batch has something in this column that nobody can read; "": none has."""
    if not column:
        return rows
    return [*rows[:-1], replace(rows[-1], **{column: "as agreed on the telephone"})]  # type: ignore[arg-type]


def header(day: date, rows: list[Invoice]) -> dict[str, object]:
    """What a batch says of itself."""
    return {
        "batch_id": f"batch-{day}",
        "month": f"{day:%Y-%m}",
        "day": str(day),
        "rows": len(rows),
        "sum_cents": sum(row.amount_cents for row in rows),
    }


def as_json(day: date, rows: list[Invoice]) -> str:
    return json.dumps({"header": header(day, rows), "rows": [asdict(row) for row in rows]})


def as_csv(day: date, rows: list[Invoice]) -> str:
    """The header's record, the names of the columns, the rows."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["header", *header(day, rows).values()])
    writer.writerow([field.name for field in fields(Invoice)])
    writer.writerows([asdict(row).values() for row in rows])
    return text.getvalue()
