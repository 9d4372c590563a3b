"""Every mutation of the harness against the etl's own rules: exactly the rows it names are kept out, or the file."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from harness.baddata.mutation import KINDS, Mutated, Mutation, mutate
from target.etl.batch import Batch, sort_out
from target.etl.records import BadFile, Header
from target.feed.invoices import as_csv, as_json, header, invoices

DAY, DAY_BEFORE = date(2026, 2, 10), date(2026, 2, 9)
ROWS = invoices(DAY, 0, Fraction(1))
IDS = [row.id for row in ROWS]
ASKED = Header.model_validate(header(DAY, ROWS))
USUAL = {row.customer: 10_000.0 for row in ROWS}
WRITERS = {"json": as_json, "csv": as_csv}

QUARANTINED = {
    "missing-field": "missing: ",
    "null": "null: ",
    "wrong-type": "type: ",
    "unit-x100": "unit: ",
    "nan": "not finite: ",
    "inf": "not finite: ",
    "wrong-currency": "currency: ",
    "time-zone": "time zone: ",
    "nul-byte": "nul byte: ",
    "huge-field": "too long: ",
    "csv-formula": "formula: ",
}
"""Each row that is named is kept out for this, and all others are loaded."""
REJECTED = {
    "renamed-column": "schema: missing",
    "added-column": "schema: unknown",
    "truncated": "truncated: ",
    "replay": "replay: it is batch-2026-02-09",
    "bom": "encoding: ",
    "utf-16": "encoding: ",
    "latin-1": "encoding: ",
}
"""Nothing of the file is loaded, for this."""
REPEATED = {"duplicate-rows", "duplicate-file"}
"""Each row that is named counts once."""
HARMLESS = {"reordered-columns", "out-of-order"}
"""All is loaded, as if nothing had been."""
LATE = {"late-rows"}
"""Strangers are kept out; see below."""

FORMATS = pytest.mark.parametrize("kind", ["json", "csv"])
SEEDS = pytest.mark.parametrize("seed", range(3))


def _mutated(mutation: str, kind: str, seed: int, earlier: bool = True) -> Mutated:
    rows = 3 if "rows" in KINDS[mutation].takes else 0
    before = WRITERS[kind](DAY_BEFORE, invoices(DAY_BEFORE, 0, Fraction(1))).encode() if earlier else None
    done = mutate(WRITERS[kind](DAY, ROWS).encode(), Mutation(kind=mutation, rows=rows, seed=seed), before)
    assert not done.note
    return done


def _sorted(done: Mutated, kind: str) -> Batch:
    return sort_out(done.body, kind, ASKED, USUAL)


def test_every_mutation_has_its_place_here():
    """Once, and none is forgotten that comes later."""
    assert sorted([*QUARANTINED, *REJECTED, *REPEATED, *HARMLESS, *LATE]) == sorted(KINDS)


@pytest.mark.parametrize("mutation", QUARANTINED)
@FORMATS
@SEEDS
def test_exactly_the_rows_that_are_named_are_quarantined(mutation: str, kind: str, seed: int):
    """For the reason that it is, with the raw row; the others are loaded."""
    done = _mutated(mutation, kind, seed)
    batch = _sorted(done, kind)
    named = list(done.rows)
    reason = QUARANTINED[mutation]
    if (mutation, kind) == ("missing-field", "csv"):  # nobody knows which of its cells is which, its id neither
        named, reason = [f"row {IDS.index(row) + 1}" for row in named], "type: the row is a list"
    assert [one.row for one in batch.quarantined] == named
    assert all(one.reason.startswith(reason) for one in batch.quarantined)
    assert [one.id for one in batch.invoices] == [row for row in IDS if row not in done.rows]
    assert all(row in one.raw for row, one in zip(done.rows, batch.quarantined, strict=True))


@pytest.mark.parametrize("mutation", REJECTED)
@FORMATS
@SEEDS
def test_a_file_that_is_not_to_be_trusted_is_rejected_whole(mutation: str, kind: str, seed: int):
    """For the reason that it is."""
    with pytest.raises(BadFile) as caught:
        _sorted(_mutated(mutation, kind, seed), kind)
    assert caught.value.reason.startswith(REJECTED[mutation])


@pytest.mark.parametrize("mutation", sorted(REPEATED))
@FORMATS
def test_rows_that_come_twice_are_loaded_once(mutation: str, kind: str):
    """And each repeat is told by its id."""
    done = _mutated(mutation, kind, 0)
    batch = _sorted(done, kind)
    assert batch.repeated == list(done.rows)
    assert ([one.id for one in batch.invoices], batch.quarantined) == (IDS, [])


@pytest.mark.parametrize("mutation", sorted(HARMLESS))
@FORMATS
def test_what_goes_by_names_and_ids_sees_no_difference(mutation: str, kind: str):
    """Every row is loaded with what it says."""
    batch = _sorted(_mutated(mutation, kind, 0), kind)
    sound = sort_out(WRITERS[kind](DAY, ROWS).encode(), kind, ASKED, USUAL)
    assert sorted(batch.invoices, key=lambda one: one.id) == sound.invoices
    assert (batch.quarantined, batch.repeated) == ([], [])


@FORMATS
def test_late_rows_are_missed_and_those_of_another_day_are_kept_out(kind: str):
    """A file that lacks rows is rejected; one that has strangers in their place has these in quarantine."""
    with pytest.raises(BadFile, match="truncated: 7 rows, its header says 10"):
        _sorted(_mutated("late-rows", kind, 0, earlier=False), kind)
    done = _mutated("late-rows", kind, 0)
    held, come = done.rows[:3], done.rows[3:]
    batch = _sorted(done, kind)
    assert [(one.row, one.reason[:5]) for one in batch.quarantined] == [(row, "date:") for row in come]
    assert [one.id for one in batch.invoices] == [row for row in IDS if row not in held]
