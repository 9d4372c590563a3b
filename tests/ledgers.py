"""Hand-built accounts of data: a batch of ten rows every two seconds, loaded a second after it was offered."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.record import Account, History, Mark
from tests.builders import history, steady, window

END_S = 60.0
FAULT = (10.0, 30.0)
WINDOWS = [window("bad invoices", *FAULT, "etl-feed")]
ROWS, DAY_S, LOADED_AFTER_S = 10, 2.0, 1.0
Ledger = dict[str, dict[str, Any]]


def batch_id(number: int) -> str:
    """The batch that is offered at 2 s times its number."""
    return f"batch-{number:02}"


def row_id(number: int, row: int) -> str:
    return f"inv-{number:02}-{row:02}"


def rows(number: int) -> list[dict[str, Any]]:
    return [
        {"id": row_id(number, row), "amount_cents": 1000 * number + row, "currency": "EUR"}
        for row in range(1, ROWS + 1)
    ]


def ids(number: int) -> list[str]:
    return [row["id"] for row in rows(number)]


def offered(at_s: float) -> dict[str, Any]:
    """What the source answers."""
    numbers = range(1, int(at_s / DAY_S) + 1)
    return {"batches": [{"batch_id": batch_id(number), "rows": rows(number)} for number in numbers]}


def loaded(at_s: float) -> Ledger:
    """What a sound importer's ledger holds, by batch."""
    nothing: dict[str, list[str]] = {"quarantined": [], "rejected": [], "deduplicated": []}
    return {
        batch_id(number): {
            "batch_id": batch_id(number),
            "outcome": "loaded",
            "loaded": ids(number),
            **copy.deepcopy(nothing),
            "rows": rows(number),
        }
        for number in range(1, int((at_s - LOADED_AFTER_S) / DAY_S) + 1)
    }


def accounted(
    change: Callable[[Ledger, float], object] = lambda ledger, at_s: None,
    *,
    marks: Sequence[Mark] = (),
    windows: object = None,
    end_s: float = END_S,
    every_s: float = 2.5,
) -> History:
    """A run whose source tells the truth, and whose ledger says what `change` makes of a sound one."""
    accounts = []
    for step in range(round(end_s / every_s) + 1):
        at_s = step * every_s
        ledger = loaded(at_s)
        change(ledger, at_s)
        accounts += [
            Account(at_s, "feed", "/rows", 200, offered(at_s)),
            Account(at_s, "etl", "/ledger", 200, {"batches": list(ledger.values())}),
        ]
    return read(accounts, marks=marks, windows=windows, end_s=end_s)


def read(
    accounts: Sequence[Account], *, marks: Sequence[Mark] = (), windows: object = None, end_s: float = END_S
) -> History:
    """A calm load beside these accounts."""
    chosen: Any = WINDOWS if windows is None else windows
    built = history(steady(10, 0, end_s), chosen, end_s=end_s)
    return replace(built, accounts=tuple(accounts), marks=(*built.marks, *marks))


def mutated(*row_ids: str, path: str = "/batches/{}", at_s: float = 12.0, fields: Sequence[str] = ()) -> Mark:
    """As the harness notes what it did to rows in flight."""
    data = {"window": "bad invoices", "link": "etl-feed", "mutator": "null", "path": path, "key": ""}
    return Mark("mutated", at_s, {**data, "rows": json.dumps(row_ids), "fields": json.dumps(list(fields))})
