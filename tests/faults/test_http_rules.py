"""Faults on HTTP as data: which rule each puts on the tap of its link, and which values it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields

import pytest

from harness import (
    BadData,
    CutBody,
    DuplicateRequest,
    FailFirst,
    FailRatio,
    HttpDelay,
    HttpHang,
    HttpStatus,
    Latency,
    Load,
    Recovers,
    Scenario,
    SlowBody,
    WrongContentType,
    during,
)
from harness.faults.tap_rule import TapRule
from harness.model import HttpFault
from harness.plan import fault_in_words, plan
from harness.tap.rules import KINDS, rule_from

ANSWER = {"code": 503, "retry_after_s": None, "body": ""}
ALL = {"method": "", "path": ""}
ROWS = {"rows": 0, "ratio": 0.0, "field": "", "id_field": "", "seed": 0}
LINK = "api-payments"

PUT = [
    (HttpStatus(LINK), "status", ANSWER),
    (
        HttpStatus(LINK, code=429, retry_after_s=2, body="later", method="POST", path="/charges"),
        "status",
        {"code": 429, "retry_after_s": 2, "body": "later", "method": "POST", "path": "/charges"},
    ),
    (FailFirst(LINK, first=2), "fail_first", {**ANSWER, "first": 2}),
    (FailRatio(LINK, ratio=0.3, seed=7, code=500), "fail_ratio", {**ANSWER, "ratio": 0.3, "seed": 7, "code": 500}),
    (HttpDelay(LINK, delay_ms=400, path="/orders/{}"), "delay", {"delay_ms": 400, "path": "/orders/{}"}),
    (HttpHang(LINK), "hang", {}),
    (WrongContentType(LINK), "wrong_content_type", {"content_type": "text/html"}),
    (CutBody(LINK, after_bytes=0, end="FIN"), "cut_body", {"after_bytes": 0, "end": "FIN"}),
    (SlowBody(LINK, bytes_per_s=100), "slow_body", {"bytes_per_s": 100}),
    (DuplicateRequest(LINK, method="POST"), "duplicate", {"method": "POST"}),
    (
        BadData(LINK, mutation="unit-x100", rows=3, field="cents", path="/batches/{}", seed=7),
        "mutate",
        {**ROWS, "mutation": "unit-x100", "rows": 3, "field": "cents", "path": "/batches/{}", "seed": 7},
    ),
]


class _Link:
    """Remembers the rules that are in."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, dict[str, object]]] = []

    def put_rule(self, kind: str, **said: object) -> Callable[[], None]:
        self.rules.append((kind, said))
        return lambda: self.rules.remove((kind, said))


class _Stack:
    def __init__(self) -> None:
        self.links = {LINK: _Link()}

    def link(self, name: str) -> _Link:
        return self.links[name]


@pytest.mark.parametrize(("fault", "kind", "said"), PUT, ids=str)
def test_a_fault_puts_its_rule_and_takes_it_off(fault, kind, said):
    """That one, on its link, with what the scenario says and no more; one that was there before stays."""
    stack = _Stack()
    link = stack.links[LINK]
    link.put_rule("another")
    heal = fault.inject(stack)
    assert link.rules[1:] == [(kind, {**ALL, **said})]
    heal()
    assert link.rules == [("another", {})]


@pytest.mark.parametrize("fault", [fault for fault, *_ in PUT], ids=str)
def test_what_a_fault_says_is_a_rule_as_it_stands(fault):
    """The tap takes it, by JSON; a field that only one of the two has would show here, and a default that differs."""
    stack = _Stack()
    fault.inject(stack)
    ((kind, said),) = stack.links[LINK].rules
    rule = rule_from({"kind": kind, "name": "w", **said})
    defaults = [{f.name: f.default for f in fields(one) if f.default is not MISSING} for one in (fault, rule)]
    assert {f.name for f in fields(fault)} - {"link"} == {f.name for f in fields(rule)} - {"name"}
    assert defaults[0] == defaults[1]


def test_every_kind_of_rule_has_its_fault():
    """And none has two."""
    kinds = [type(fault).kind for fault in {type(fault): fault for fault, *_ in PUT}.values()]
    assert sorted(kinds) == sorted(KINDS)


@pytest.mark.parametrize("fault", [fault for fault, *_ in PUT], ids=str)
def test_each_is_a_fault_on_http_that_cuts_nothing(fault):
    """By what it has, as the loader asks; a fault of Toxiproxy's is none."""
    assert isinstance(fault, HttpFault)
    assert (fault.http, fault.cuts) == (True, False)
    assert not isinstance(Latency(LINK, delay_ms=1), HttpFault)


def test_reports_say_it_in_words():
    """The kind, the link, and the fields that were said."""
    faults = during(1, 2, HttpStatus(LINK, code=429, retry_after_s=2, path="/charges"))
    load, checks = Load("shop.py", rate_per_s=1), (Recovers(within_s=1),)
    (window,) = plan("one", Scenario(hypothesis="It holds.", load=load, faults=faults, checks=checks)).windows
    assert window.name == "http status api-payments"
    assert fault_in_words(window) == "http status on api-payments, path /charges, code 429, retry_after_s 2"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: HttpStatus(LINK, code=99), "code must be an HTTP status from 200 to 599; given 99"),
        (lambda: HttpStatus(LINK, code="503"), "code must be an HTTP status from 200 to 599; given '503'"),
        (lambda: HttpStatus(LINK, code=True), "given True"),
        (lambda: HttpStatus(LINK, retry_after_s=1.5), "retry_after_s must be a whole number, 0 or more; given 1.5"),
        (lambda: HttpStatus(LINK, body=b"x"), "body must be a text of at most 1,048,576 bytes; given b'x'"),
        (lambda: HttpStatus(LINK, body="x" * 1_048_577), "bytes; given 1,048,577"),
        (lambda: HttpStatus(LINK, body="ä" * 600_000), "bytes; given 1,200,000"),
        (lambda: HttpStatus(LINK, body="\ud800"), "a text that UTF-8 can carry"),
        (lambda: HttpStatus(LINK, method="post"), "method must be in capitals, as in POST, or empty for all"),
        (lambda: HttpStatus(LINK, method=None), "method must be in capitals"),
        (lambda: HttpHang(LINK, path="orders"), "path must begin with /, as in /orders, or be empty for all"),
        (lambda: HttpHang(LINK, path="/orders/42"), "given '/orders/42', write '/orders/{}'"),
        (lambda: HttpHang(LINK, path="/v1/orders?page=2"), "given '/v1/orders?page=2', write '/{}/orders'"),
        (lambda: FailFirst(LINK, first=0), "first must be a whole number, 1 or more; given 0"),
        (lambda: FailFirst(LINK, first=1, code=0), "code must be"),
        (lambda: FailRatio(LINK, ratio=30), "ratio is a ratio from 0 to 1; given 30; write 0.3 for 30 %"),
        (lambda: FailRatio(LINK, ratio=0.3, seed=-1), "seed must be a whole number, 0 or more; given -1"),
        (lambda: HttpDelay(LINK, delay_ms=0), "delay_ms must be more than 0; given 0"),
        (lambda: HttpDelay(LINK, delay_ms=1, method="get"), "method must be"),
        (lambda: WrongContentType(LINK, content_type="a\r\nSet-Cookie: b"), "content_type must be printable ASCII"),
        (lambda: WrongContentType(LINK, content_type=""), "content_type must be printable ASCII"),
        (lambda: CutBody(LINK, after_bytes=-1), "after_bytes must be a whole number, 0 or more; given -1"),
        (lambda: CutBody(LINK, after_bytes=1, end="rst"), "unknown end 'rst'; allowed: FIN, RST"),
        (lambda: SlowBody(LINK, bytes_per_s=0), "bytes_per_s must be more than 0; given 0"),
        (lambda: DuplicateRequest(LINK, path="/a b"), "write '/{}'"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_where_it_is_made(make: Callable[[], TapRule], says: str):
    """What was given, what is allowed, what to write."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        make()
    assert says in str(caught.value)
