"""Bodies as rows: which shapes are read, how rows are called, and what is told of a body that is none."""

from __future__ import annotations

import json

import pytest

from harness.baddata.mutation import Mutated, Mutation, mutate
from harness.baddata.reading import read
from harness.baddata.table import Unfit


def _null(body: bytes, **more: object) -> Mutated:
    return mutate(body, Mutation(kind="null", ratio=1, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'[{"id": "a", "x": 1}, {"id": "b", "x": 2}]', ["a", "b"]),
        (b'{"today": 1, "rows": [{"id": 7, "x": 1}]}', ["7"]),
        (b'{"data": {"rows": [{"order_id": "a", "x": 1}]}, "tags": ["x"]}', ["a"]),
        (b'[{"x": 1, "customer_id": "c", "row_id": "a"}]', ["a"]),
        (b'[{"id": null, "x": 1}, {"x": 1}, {"id": "", "x": 1}, 5]', ["row 1", "row 2", "row 3", "row 4"]),
        (b"id,x\na,1\nb,2\n", ["a", "b"]),
        (b"x;ORDER_ID\r\n1;a\r\n", ["a"]),
        (b"header,batch-1,10\r\nid,x\r\na,1\r\n", ["a"]),
        (b'\xef\xbb\xbfid\tx\n"a\nb"\t1', ["a\nb"]),
        (b"id,x\na,1,2\nb,2\n", ["row 1", "b"]),
    ],
)
def test_rows_are_called_by_their_ids(body: bytes, names: list[str]):
    """Or by where they stand if they have none."""
    table = read(body)
    assert [row.name for row in table.rows] == names
    assert table.content() == body


def test_an_id_column_may_be_given():
    """Where it is called otherwise."""
    body = b'[{"number": "a", "x": 1}]'
    assert _null(body).note.startswith("its rows have no field of ids")
    assert _null(body, id_field="number").rows == ("a",)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b"hello", "it is neither JSON nor CSV with a column of ids"),
        (b"<html><body>", "it is neither JSON nor CSV"),
        (b"{", "it is not JSON"),
        (b"[]]", "it is not JSON (more behind its end"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"a": ' * 500 + b"1" + b"}" * 500, "it holds no list of rows"),
        (b"[]", "it holds no list of rows"),
        (b'[{"id": 1, "x": 1e99999999999999999999}]', "it is not JSON"),
        (b'{"detail": "no batch"}', "it holds no list of rows"),
        (b'{"a": [{"id": 1}], "b": [{"id": 2}]}', "it holds several lists of rows: a, b"),
        (b'[{"x": 1}]', "its rows have no field of ids"),
        (b"\xff\xfe\x00", "it is not UTF-8 at byte 0"),
        (b"id,x\n", "it holds no rows"),
        (b"id,x,x\n1,2,3\n", "it has two columns of one name"),
        (b'id,x\n"a,1\n', "it is not CSV"),
        (b"id,x\na," + b"y" * 200_000 + b"\n", "it is not CSV"),
        (b'[{"id": "a"}]', "its rows have no field that null can change"),
    ],
)
def test_a_body_that_is_no_rows_stays_as_it_is(body: bytes, why: str):
    """And why is told."""
    done = _null(body)
    assert (done.body, done.rows, done.fields) == (body, (), ())
    assert done.note.startswith(why)


def test_reading_tells_what_it_was_given():
    """A field that is not there is named, with those that are."""
    with pytest.raises(Unfit, match="it is empty"):
        read(b" \n")
    note = _null(b'[{"id": "a", "x": 1}]', field="y").note
    assert note == "its rows have no field 'y'; they have id, x"


def test_json_is_changed_where_it_is_written():
    """Spaces, escapes, digits and what else a parser would write anew stay."""
    body = (
        b'[ {"id":"a", "n" : 1.10 ,"t":"\\u00e9", "big": 123456789012345678901234567890, "k":1e2},\n{"id":"b","n":2}]\n'
    )
    done = mutate(body, Mutation(kind="unit-x100", field="n", ratio=1))
    assert done.body == body.replace(b"1.10", b"110.00").replace(b'"n":2', b'"n":200')
    gone = mutate(body, Mutation(kind="missing-field", field="n", ratio=1))
    assert json.loads(gone.body) == [{k: v for k, v in row.items() if k != "n"} for row in json.loads(body)]


def test_numbers_that_are_written_as_texts_are_numbers():
    """As amounts often are; zero is not, for a hundred times that is nothing else."""
    body = b'[{"id": "a", "n": "1.50"}, {"id": "b", "n": "0.00"}, {"id": "c", "n": "x"}]'
    done = mutate(body, Mutation(kind="unit-x100", ratio=1))
    assert (done.rows, json.loads(done.body)[0]["n"]) == (("a",), "150.00")


def test_a_time_without_a_zone_is_moved():
    """Eight hours back, over midnight too; one that is eight hours west already gets another zone."""
    body = b'[{"id": "a", "t": "2026-03-01T01:30:00"}, {"id": "b", "t": "2026-03-01 09:00:00-08:00"}]'
    done = mutate(body, Mutation(kind="time-zone", ratio=1))
    assert [row["t"] for row in json.loads(done.body)] == ["2026-02-28T17:30:00", "2026-03-01 09:00:00+00:00"]


def test_ids_are_left_alone_unless_they_are_named():
    """A customer's id is a number, and no amount."""
    body = b'[{"id": "a", "customer_id": 5, "n": 7}]'
    assert mutate(body, Mutation(kind="unit-x100")).fields == ("n",)
    assert mutate(body, Mutation(kind="unit-x100", field="customer_id")).fields == ("customer_id",)
