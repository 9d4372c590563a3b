"""Bad data: for each kind of it what the etl makes of the row or of the file, in both formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from target.etl.batch import Batch, sort_out
from target.etl.records import BadFile, Header
from target.feed.invoices import as_csv, as_json, header, invoices

DAY = date(2026, 2, 10)
ROWS = invoices(DAY, 0, Fraction(1))
ASKED = Header.model_validate(header(DAY, ROWS))
BAD = "inv-2026-02-10-03"
USUAL = {row.customer: 10_000.0 for row in ROWS}
Change = Callable[[list[dict[str, Any]]], object]


def _json(change: Change = lambda rows: None) -> bytes:
    body = json.loads(as_json(DAY, ROWS))
    change(body["rows"])
    return json.dumps(body).encode()


def _csv(change: Callable[[list[list[str]]], object] = lambda records: None) -> bytes:
    records = list(csv.reader(io.StringIO(as_csv(DAY, ROWS))))
    change(records)
    text = io.StringIO()
    csv.writer(text).writerows(records)
    return text.getvalue().encode()


def _sorted(content: bytes, kind: str = "json") -> Batch:
    return sort_out(content, kind, ASKED, USUAL)


def _rejected(content: bytes, kind: str = "json") -> BadFile:
    with pytest.raises(BadFile) as caught:
        _sorted(content, kind)
    return caught.value


@pytest.mark.parametrize(("content", "kind"), [(_json(), "json"), (_csv(), "csv")])
def test_a_sound_batch_is_all_invoices(content: bytes, kind: str):
    """The same from both formats."""
    batch = _sorted(content, kind)
    assert [one.id for one in batch.invoices] == [row.id for row in ROWS]
    assert sum(one.amount_cents for one in batch.invoices) == ASKED.sum_cents
    assert (batch.quarantined, batch.repeated) == ([], [])


BAD_CELLS = [
    ("customer", None, "null: customer"),
    ("customer", "a\0b", "nul byte: customer"),
    ("customer", "x" * 100_000, "too long: customer"),
    ("customer", "\ufffdsen", "encoding: customer"),
    ("customer", "two\nlines", "text: customer"),
    ("customer", "=1+1", "formula: customer"),
    ("customer", "+1", "formula: customer"),
    ("customer", "-1", "formula: customer"),
    ("customer", "@SUM(A1)", "formula: customer"),
    ("currency", "USD", "currency: USD"),
    ("currency", "eur", "currency: eur"),
    ("month", "2026-01", "date:"),
    ("amount_cents", None, "null: amount_cents"),
    ("amount_cents", "many", "type: amount_cents is a str"),
    ("amount_cents", 1_000_000, "unit: 100 times"),
    ("amount_cents", -1_000_000, "unit: 100 times"),
    ("amount_cents", float("nan"), "not finite: amount_cents is nan"),
    ("amount_cents", float("inf"), "not finite: amount_cents is inf"),
    ("amount_cents", float("-inf"), "not finite: amount_cents is -inf"),
    ("amount_cents", 10**18 - 1, "range: amount_cents"),
    ("issued_at", "yesterday", "date: issued_at is none"),
    ("issued_at", "2026-02-10T09:00:00", "time zone: none"),
    ("issued_at", "2026-02-10T09:00:00+00:00", "time zone: +00:00"),
    ("issued_at", "2026-02-10T09:00:00+05:30", "time zone: +05:30"),
    ("issued_at", "2026-02-09T23:59:59+01:00", "date: 2026-02-09"),
]


@pytest.mark.parametrize(("field", "value", "reason"), BAD_CELLS)
@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_bad_cell_puts_its_row_into_quarantine(kind: str, field: str, value: object, reason: str):
    """That row with what it held and why, and no other."""

    def in_json(rows: list[dict[str, Any]]) -> None:
        rows[2][field] = value

    def in_csv(records: list[list[str]]) -> None:
        records[4][records[1].index(field)] = "" if value is None else str(value)

    batch = _sorted(_json(in_json) if kind == "json" else _csv(in_csv), kind)
    (kept_out,) = batch.quarantined
    assert kept_out.row == BAD
    assert kept_out.reason.startswith(reason)
    assert BAD in kept_out.raw
    assert len(batch.invoices) == 9
    assert kept_out.raw.isascii()
    assert len(kept_out.raw) < 11_000


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("10000", "type: amount_cents is a str"),
        (10000.0, "type: amount_cents is a float"),
        (True, "type: amount_cents is a bool"),
        ([1], "type: amount_cents is a list"),
        (10**400, "range: amount_cents"),
    ],
)
def test_an_amount_that_is_none_in_json(value: object, reason: str):
    """Of whatever type."""
    (kept_out,) = _sorted(_json(lambda rows: rows[2].update(amount_cents=value))).quarantined
    assert kept_out.reason == reason


@pytest.mark.parametrize(
    ("change", "row", "reason"),
    [
        (lambda rows: rows[2].pop("currency"), BAD, "missing: currency"),
        (lambda rows: rows[2].pop("id"), "row 3", "missing: id"),
        (lambda rows: rows[2].update(note="x"), BAD, "schema: unknown 'note'"),
        (lambda rows: rows.__setitem__(2, [1, 2]), "row 3", "type: the row is a list"),
        (lambda rows: rows.__setitem__(2, "\ud800"), "row 3", "type: the row is a str"),
        (lambda rows: rows[2].update(id="=1+1"), "row 3", "formula: id"),
        (lambda rows: rows[2].update(customer="\ud800"), BAD, "encoding: customer"),
    ],
)
def test_a_row_of_another_shape_is_quarantined(change: Change, row: str, reason: str):
    """By its id, or by where it stands."""
    (kept_out,) = _sorted(_json(change)).quarantined
    assert kept_out.row == row
    assert kept_out.reason.startswith(reason)


def test_a_csv_row_with_a_cell_too_many_is_quarantined():
    """Nobody knows which of its cells is which."""
    (kept_out,) = _sorted(_csv(lambda records: records[4].insert(1, "x")), "csv").quarantined
    assert (kept_out.row, kept_out.reason) == ("row 3", "type: the row is a list of 7")


def test_a_repeated_row_counts_once():
    """It is told as such; with other content it is a conflict, and the first stays."""
    twice = _sorted(_json(lambda rows: rows.append(rows[2])))
    assert (len(twice.invoices), twice.repeated, twice.received) == (10, [BAD], 11)
    other = _sorted(_json(lambda rows: rows.append({**rows[2], "amount_cents": 1})))
    assert (len(other.invoices), other.quarantined[0].row) == (10, BAD)
    assert other.quarantined[0].reason.startswith("conflict")


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_the_order_of_rows_and_columns_does_not_matter(kind: str):
    """Names do."""
    content = (
        _json(lambda rows: rows.reverse())
        if kind == "json"
        else _csv(lambda records: [records[n].reverse() for n in range(1, len(records))])
    )
    assert len(_sorted(content, kind).invoices) == 10


def test_what_is_not_known_of_a_customer_is_no_reason():
    """A hundred times the usual is a reason only where something is usual; the header's sum still has to agree."""
    with pytest.raises(BadFile, match="sum:"):
        sort_out(_json(lambda rows: rows[2].update(amount_cents=1_000_000)), "json", ASKED, {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xef\xbb\xbf" + _json(), "encoding: a byte order mark"),
        (_json().decode().encode("utf-16"), "encoding: a byte order mark"),
        (_json().replace(b"customer-03", b"customer-\xe9"), "encoding: not UTF-8"),
        (_json()[:-100], "truncated: not JSON"),
        (b"", "truncated: not JSON"),
        (b"[" * 100_000, "truncated: not JSON"),
        (b"[]", "schema: no list of rows"),
        (b'{"rows": []}', "header: all of it"),
        (_json(lambda rows: rows.pop()), "truncated: 9 rows"),
        (_json(lambda rows: rows.append({**rows[2], "id": "inv-x"})), "rows: 11 rows"),
        (_json(lambda rows: rows[2].update(amount_cents=rows[2]["amount_cents"] + 1)), "sum:"),
        (_json(lambda rows: [row.update(amount=row.pop("amount_cents")) for row in rows]), "schema: missing amount"),
        (_json(lambda rows: [row.update(note="") for row in rows]), "schema: unknown note"),
        (_json().replace(b'"rows": 10', b'"rows": "10"'), "header: rows"),
        (_json().replace(b'"rows": 10', b'"rows": 11'), "truncated"),
        (_json().replace(b'"sum_cents"', b'"sum"'), "header: sum_cents"),
    ],
)
def test_a_bad_json_file_is_rejected_whole(content: bytes, reason: str):
    """With the rows that it held."""
    assert _rejected(content).reason.startswith(reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xef\xbb\xbf" + _csv(), "encoding: a byte order mark"),
        (_csv()[:-200], "truncated"),
        (b"", "header: no record of it"),
        (_csv(lambda records: records.pop(0)), "header: no record of it"),
        (_csv(lambda records: records[1].__setitem__(3, "amount")), "schema: missing amount_cents; unknown amount"),
        (_csv(lambda records: [record.append("x") for record in records[1:]]), "schema: unknown x"),
        (_csv(lambda records: records[1].__setitem__(1, "id")), "schema: a column twice"),
        (_csv(lambda records: records[4].__setitem__(1, "x" * 200_000)), "truncated: not CSV"),
        (_csv().replace(b"customer-03", b'"customer'), "truncated: not CSV"),
        (_csv(lambda records: records[0].pop()), "header: sum_cents"),
    ],
)
def test_a_bad_csv_file_is_rejected_whole(content: bytes, reason: str):
    """As JSON is."""
    assert _rejected(content, "csv").reason.startswith(reason)


def test_another_batch_is_a_replay():
    """Whatever was asked for, what came says what it is."""
    yesterday = date(2026, 2, 9)
    error = _rejected(as_json(yesterday, invoices(yesterday, 0, Fraction(1))).encode())
    assert error.reason == "replay: it is batch-2026-02-09"
    assert len(error.rows) == 10
