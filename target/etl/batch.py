"""A batch, as it may be loaded: each of its rows is an invoice, quarantined, or a repeat of another; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from target.etl.records import BadFile, Header, name_of, names, read
from target.etl.rules import Invoice, judge

RAW_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that is not loaded: as it came, and why."""

    row: str
    raw: str
    reason: str


@dataclass(slots=True)
class Batch:
    header: Header
    invoices: list[Invoice] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    @property
    def received(self) -> int:
        return len(self.invoices) + len(self.quarantined) + len(self.repeated)


def sort_out(content: bytes, kind: str, asked: Header, usual: Mapping[str, float]) -> Batch:
    """Each row where it belongs. Raises BadFile when the file is not whole, is another one, or its sum is another.

    Where rows are quarantined the sum cannot tell: what is missing of it is then what they are worth.
    """
    file = read(content, kind)
    if file.header.batch_id != asked.batch_id:
        raise BadFile(f"replay: it is {file.header.batch_id}", names(file.rows))
    if file.header != asked:
        raise BadFile("header: not what the list of batches says", names(file.rows))
    batch = Batch(file.header)
    seen: dict[str, Any] = {}
    for position, row in enumerate(file.rows, 1):
        name = name_of(row, position)
        if name in seen and seen[name] == row:
            batch.repeated.append(name)
            continue
        found = judge(row, file.header, usual) if name not in seen else "conflict: its id twice, with other content"
        seen.setdefault(name, row)
        if isinstance(found, Invoice):
            batch.invoices.append(found)
        else:
            batch.quarantined.append(Quarantined(name, as_text(row), found))
    total = sum(one.amount_cents for one in batch.invoices)
    if not batch.quarantined and total != file.header.sum_cents:
        raise BadFile(f"sum: {total} cents, its header says {file.header.sum_cents}", names(file.rows))
    return batch


def as_text(row: Any) -> str:
    """A row as it came, in ASCII, so that any database can hold it; the end of a huge one is cut off."""
    text = json.dumps(row, ensure_ascii=True)
    return text if len(text) <= RAW_MAX else f"{text[:RAW_MAX]}... ({len(text)} characters)"
