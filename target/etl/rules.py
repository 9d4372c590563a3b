"""What is wrong with a row, in a word and a detail; pure. A row with nothing wrong is an invoice."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from target.etl.records import COLUMNS, NUMBERS, Header

CURRENCY = "EUR"
OFFSET = timedelta(hours=1)
"""The contract with the provider: euros, and the time of Central Europe without its summer."""

TEXT_MAX = 64
AMOUNT_MAX_CENTS = 10**9
UNIT_RATIO = 50
"""An amount this many times a customer's usual one is cents taken for euros, not business."""


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    customer: str
    month: str
    amount_cents: int
    currency: str
    issued_at: datetime


def judge(row: Any, header: Header, usual: Mapping[str, float]) -> Invoice | str:
    """The invoice, or the reason why it is none. `usual` are the amounts of customers that are known well enough."""
    if not isinstance(row, dict):
        return f"type: the row is a {type(row).__name__} of {len(row) if hasattr(row, '__len__') else 1}"
    for check in (_fields, _texts, _amount):
        if reason := check(row):
            return reason
    if row["currency"] != CURRENCY:
        return f"currency: {row['currency']}, not {CURRENCY}"
    at = _time(row["issued_at"])
    if isinstance(at, str):
        return at
    if at.date() != header.day or row["month"] != header.month:
        return f"date: {at.date()} of {row['month']} is not of {header.batch_id}"
    if abs(row["amount_cents"]) >= UNIT_RATIO * usual.get(row["customer"], math.inf):
        times = abs(row["amount_cents"]) / usual[row["customer"]]
        return f"unit: {times:.0f} times what {row['customer']} usually pays"
    return Invoice(**{**row, "issued_at": at})


def _fields(row: dict[str, Any]) -> str:
    for name in COLUMNS:
        if name not in row:
            return f"missing: {name}"
    if unknown := sorted(set(row) - set(COLUMNS)):
        return f"schema: unknown {unknown[0]!r}"[:200]
    for name in COLUMNS:
        if row[name] is None:
            return f"null: {name}"
        if not isinstance(row[name], (int, float) if name in NUMBERS else str) or isinstance(row[name], bool):
            return f"type: {name} is a {type(row[name]).__name__}"
    return ""


def _texts(row: dict[str, Any]) -> str:
    for name, value in row.items():
        if not isinstance(value, str):
            continue
        if "\0" in value:
            return f"nul byte: {name}"
        if re.search("[\ud800-\udfff\ufffd\ufeff]", value):
            return f"encoding: {name}"
        if len(value) > TEXT_MAX:
            return f"too long: {name} has {len(value)} characters"
        if value.startswith(("=", "+", "-", "@", "\t", "\r")):
            return f"formula: {name} begins with {value[0]!r}"
        if not value.isprintable() or not value.strip():
            return f"text: {name}"
    return ""


def _amount(row: dict[str, Any]) -> str:
    amount = row["amount_cents"]
    if isinstance(amount, int):
        return "range: amount_cents" if abs(amount) > AMOUNT_MAX_CENTS else ""
    return "type: amount_cents is a float" if math.isfinite(amount) else f"not finite: amount_cents is {amount}"


def _time(text: str) -> datetime | str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return "date: issued_at is none"
    if at.utcoffset() != OFFSET:
        return f"time zone: {text[19:] or 'none'}"
    return at
