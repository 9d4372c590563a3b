"""One value, one form: RFC 8785's examples, and what JSON cannot hold."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from harness.drill.records.canonical import canonical, parse
from harness.errors import RecordError
from harness.record import Word


def test_numbers_texts_and_names_are_written_as_the_standard_says():
    """The example of RFC 8785, 3.2.2 and 3.2.3, and its order of names by UTF-16."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001, -0.0, 1e20],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
        "\U0001f600": 1,
        "\ufb33": 2,
    }
    assert canonical(value).decode("utf-8") == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0,100000000000000000000],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/","😀":1,"\ufb33":2}'
    )


def test_what_was_written_is_read_again_as_the_same_bytes():
    """Large floats too, which canonical form writes as integers; words and read-only mappings are plain JSON."""
    value = {"a": [1e16, 1e20, 1.5, -7, 2**53 - 1], "word": Word.PASS, "inner": MappingProxyType({"b": ()})}
    raw = canonical(value)
    assert parse(raw) == {"a": [1e16, 1e20, 1.5, -7, 2**53 - 1], "word": "pass", "inner": {"b": []}}
    assert canonical(parse(raw)) == raw


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), r"body\.actual\[1\] is nan; JSON has no such number"),
        (float("-inf"), r"body\.actual\[1\] is -inf"),
        (2**53, r"body\.actual\[1\] is 9007199254740992; an integer is at most"),
        (b"x", r"body\.actual\[1\] is b'x', of type bytes"),
        ({1: 2}, r"body\.actual\[1\] has the name 1"),
        ("\ud800", r"body\.actual\[1\] holds half a character"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value, says):
    """No record is written that another program reads otherwise."""
    with pytest.raises(RecordError, match=says):
        canonical({"body": {"actual": [0, value]}})


def test_a_value_that_is_nested_without_end_is_refused():
    """One that holds itself, too."""
    value = {}
    value["again"] = value
    with pytest.raises(RecordError, match="nested deeper than 64"):
        canonical(value)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"\xff", b"[]", b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1.0}', b'{"a":NaN}'),
        *(b'{"a":9007199254740993}', b'\xef\xbb\xbf{"a":1}', b'{"a":1}\n', b'{"a":' + b"[" * 100_000, b"1" * 5000),
    ],
)
def test_bytes_in_another_form_are_no_record(raw):
    """The same value in other bytes is refused as much as what is no JSON at all."""
    with pytest.raises(ValueError, match=r"^(it is|its bytes)"):
        parse(raw)
