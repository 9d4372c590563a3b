"""Each mutation, on JSON and on CSV: exactly the rows and the fields that it names are other than they were."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.baddata.cells import CELLS
from harness.baddata.mutation import KINDS, Mutated, Mutation, mutate
from tests.baddata.bodies import COLUMNS, ROWS, as_csv, as_json, rows_of

BODIES = {"json": as_json(), "csv": as_csv()}
EARLIER_ROWS = [{**row, "id": f"e{n}"} for n, row in enumerate(ROWS)]
EARLIER = {"json": as_json(EARLIER_ROWS), "csv": as_csv(EARLIER_ROWS)}
IDS = [row["id"] for row in ROWS]
FORMATS = pytest.mark.parametrize("kind", ["json", "csv"])


def _done(mutation: str, kind: str, body: bytes | None = None, **more: object) -> Mutated:
    return mutate(body or BODIES[kind], Mutation(kind=mutation, **more), EARLIER[kind])  # type: ignore[arg-type]


VALUES = {
    "null": ("who", None, ""),
    "unit-x100": ("cents", 10300, "10300"),
    "nan": ("cents", "nan", "NaN"),
    "inf": ("cents", float("inf"), "Infinity"),
    "wrong-currency": ("currency", "USD", "USD"),
    "time-zone": ("at", "2026-02-13T09:00:00-08:00", "2026-02-13T09:00:00-08:00"),
    "nul-byte": ("who", "n\0ame 3", "n\0ame 3"),
    "huge-field": ("who", ("name 3" * 100_000)[:100_000], ("name 3" * 100_000)[:100_000]),
}


@pytest.mark.parametrize("mutation", VALUES)
@FORMATS
def test_a_cell_is_what_the_mutation_says(mutation: str, kind: str):
    """In the row that is named, in the field that it finds by itself; the others are as they were."""
    field, in_json, in_csv = VALUES[mutation]
    seed = next(seed for seed in range(100) if _done(mutation, kind, seed=seed).rows == ("r3",))
    done = _done(mutation, kind, seed=seed)
    assert (done.fields, done.note) == ((field,), "")
    now, before = rows_of(done.body), rows_of(BODIES[kind])
    got = now[3].pop(field)
    assert (str(got) if mutation == "nan" and kind == "json" else got) == (in_json if kind == "json" else in_csv)
    del before[3][field]
    assert now == before


@pytest.mark.parametrize("mutation", [*CELLS, "missing-field"])
@FORMATS
def test_a_mutation_of_cells_touches_the_rows_that_it_names_and_no_other(mutation: str, kind: str):
    """The texts of all other rows are the same bytes."""
    done = _done(mutation, kind, rows=2, seed=5)
    assert len(done.rows) == 2
    assert len(done.fields) == 1
    lines = [re.split(rb"\r\n|(?<=\}), ", body) for body in (BODIES[kind], done.body)]
    changed = [now for now, before in zip(*reversed(lines), strict=True) if now != before]
    assert [row in line.decode("latin-1") for row, line in zip(done.rows, changed, strict=True)] == [True, True]


@pytest.mark.parametrize(
    ("mutation", "json_value", "csv_value"),
    [("missing-field", None, ""), ("wrong-type", "103", "n/a"), ("null", None, "")],
)
def test_a_field_that_is_named_is_the_one(mutation: str, json_value: object, csv_value: str):
    """Though another would have been found first."""
    for kind, value in (("json", json_value), ("csv", csv_value)):
        done = _done(mutation, kind, field="cents", ratio=1)
        assert (done.rows, done.fields) == (tuple(IDS), ("cents",))
        if not (mutation == "missing-field" and kind == "csv"):
            assert rows_of(done.body)[3].get("cents") == value
    lines = _done("missing-field", "csv", field="cents", ratio=1).body.splitlines()
    assert lines[4] == b"r3,name 3,EUR,2026-02-13T09:00:00+01:00"


@FORMATS
def test_a_latin_1_letter_is_a_byte_that_is_not_utf_8(kind: str):
    """One in each row that is named."""
    done = _done("latin-1", kind, rows=2)
    assert done.body.count(b"\xe9") == 2
    assert done.body.replace(b"\xe9", b"") == BODIES[kind]


@FORMATS
def test_a_formula_begins_as_a_spreadsheet_wants(kind: str):
    """With one of four signs, before what stood there."""
    done = _done("csv-formula", kind, ratio=1)
    assert {row["who"][0] for row in rows_of(done.body)} <= set("=+-@")
    assert [row["who"][1:] for row in rows_of(done.body)] == [row["who"] for row in ROWS]


@FORMATS
def test_columns_drift(kind: str):
    """Another name, one more, another order: in every row, and the fields are named."""
    renamed = _done("renamed-column", kind, field="cents")
    assert (renamed.rows, renamed.fields) == (tuple(IDS), ("cents", "cents_v2"))
    assert [list(row) for row in rows_of(renamed.body)] == [["id", "who", "cents_v2", "currency", "at"]] * 6
    added = _done("added-column", kind)
    assert (added.rows, added.fields) == (tuple(IDS), ("added_column",))
    assert [row["added_column"] for row in rows_of(added.body)] == ["new"] * 6
    moved = _done("reordered-columns", kind)
    assert list(rows_of(moved.body)[0]) != COLUMNS
    assert rows_of(moved.body) == rows_of(BODIES[kind])
    assert moved.fields == tuple(now for now, at in zip(COLUMNS, rows_of(moved.body)[0], strict=True) if now != at)


@FORMATS
def test_rows_come_twice_in_another_order_or_late(kind: str):
    """By id, in the places where they should be."""

    def ids(done: Mutated) -> list[str]:
        return [row["id"] for row in rows_of(done.body)]

    twice = _done("duplicate-rows", kind, rows=2)
    assert ids(twice) == [*IDS, *twice.rows]
    assert ids(_done("duplicate-file", kind)) == IDS * 2
    moved = _done("out-of-order", kind, rows=3)
    assert sorted(ids(moved)) == IDS
    assert [one for one, now in zip(IDS, ids(moved), strict=True) if one != now] == list(moved.rows)
    late = _done("late-rows", kind, rows=2)
    held, come = late.rows[:2], late.rows[2:]
    assert ids(late) == [*(one for one in IDS if one not in held), *come]
    assert all(one.startswith("e") for one in come)
    first = mutate(BODIES[kind], Mutation(kind="late-rows", rows=2))
    assert first.rows == held


@FORMATS
def test_what_was_held_back_comes_with_the_next_body(kind: str):
    """Nothing is lost for good: the late rows of one body are those that were held back of the one before."""
    held = mutate(EARLIER[kind], Mutation(kind="late-rows", rows=2, seed=3)).rows
    assert _done("late-rows", kind, rows=2, seed=3).rows[2:] == held


@FORMATS
def test_a_file_is_damaged_as_a_whole(kind: str):
    """Cut off in the middle of the first row that is lost; another file; another encoding."""
    cut = _done("truncated", kind, rows=2)
    assert cut.rows == ("r4", "r5")
    assert BODIES[kind].startswith(cut.body)
    assert BODIES[kind].index(b"r4") < len(cut.body) < BODIES[kind].index(b"r5")
    again = _done("replay", kind)
    assert (again.body, again.rows) == (EARLIER[kind], tuple(row["id"] for row in EARLIER_ROWS))
    marked = _done("bom", kind)
    assert (marked.body, marked.rows) == (b"\xef\xbb\xbf" + BODIES[kind], tuple(IDS))
    assert _done("utf-16", kind).body.decode("utf-16") == BODIES[kind].decode()


@pytest.mark.parametrize("mutation", KINDS)
@FORMATS
def test_the_same_seed_gives_the_same_bytes(mutation: str, kind: str):
    """And where rows are drawn another seed takes others."""
    assert _done(mutation, kind, seed=4) == _done(mutation, kind, seed=4)
    if "rows" in KINDS[mutation].takes and mutation != "truncated":
        assert len({_done(mutation, kind, seed=seed).rows for seed in range(20)}) > 3


def test_a_row_that_comes_again_is_hit_again():
    """Whatever stands around it: a retry, and the same row in another file, meet the same."""
    (hit,) = _done("null", "json", seed=9).rows
    others = [row for row in ROWS if row["id"] != hit][:3]
    again = _done("null", "json", as_json([*others, *(row for row in ROWS if row["id"] == hit)]), seed=9)
    assert again.rows == (hit,)


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"kind": "unit-x10"}, "did you mean 'unit-x100'"),
        ({"kind": "null", "rows": -1}, "rows must be a whole number"),
        ({"kind": "null", "ratio": 30}, "write 0.3 for 30 %"),
        ({"kind": "null", "rows": 1, "ratio": 0.5}, "say rows or ratio, not both"),
        ({"kind": "bom", "field": "who"}, "bom takes all of the body; field would do nothing"),
        ({"kind": "truncated", "field": "who"}, "truncated takes rows, ratio; field would do nothing"),
        ({"kind": "null", "field": 3}, "field is the name of a field"),
    ],
)
def test_a_mutation_that_cannot_be_is_told(given_: dict[str, object], says: str):
    """In a sentence, where it is made."""
    with pytest.raises(ValueError, match=re.escape(says)):
        Mutation(**given_)  # type: ignore[arg-type]


@given(
    st.sampled_from(list(KINDS)),
    st.sampled_from([*BODIES.values(), as_json([]), b"", b"[1, 2]", b'{"a": [{"id": null}]}', b"id;x\n1;2\n\n3\n"]),
    st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=5)), max_size=4),
)
def test_no_body_breaks_it(mutation: str, body: bytes, damage: list[tuple[int, bytes]]):
    """Whatever a service sends: it is mutated, or stays as it was, and is told why."""
    for at, patch in damage:
        body = body[:at] + patch + body[at + len(patch) :]
    done = mutate(body, Mutation(kind=mutation), body)
    assert done.rows or (done.note and done.body == body)


@pytest.mark.parametrize("kind", ["unit-x100", "nan", "inf"])
@pytest.mark.parametrize("number", [b"1e999999999", b"9e999999999999999999", b"1e-999999999"])
def test_a_number_beyond_all_bounds_is_left_alone(kind: str, number: bytes):
    """Thirty bytes of a service must not become a gigabyte in the tap."""
    done = mutate(b'[{"id": 1, "x": ' + number + b"}]", Mutation(kind=kind, rows=1))
    assert done.note
