"""Rules as data: JSON in and out, what they match, which requests a ratio hits, what they answer."""

from __future__ import annotations

import json

import pytest

from harness.tap.attempt import Attempt, retry_after_s
from harness.tap.live import Live
from harness.tap.rules import (
    KINDS,
    CutBody,
    Delay,
    Duplicate,
    FailFirst,
    FailRatio,
    Hang,
    Mutate,
    Rule,
    SlowBody,
    Status,
    WrongContentType,
    rule_from,
    rule_to,
)

ALL = [
    Status(name="w", code=429, retry_after_s=3, body="slow down", method="POST", path="/orders"),
    FailFirst(name="w", first=2, code=500),
    FailRatio(name="w", ratio=0.25, seed=7),
    Delay(name="w", delay_ms=150.5),
    Hang(name="w"),
    WrongContentType(name="w", content_type="text/plain"),
    CutBody(name="w", after_bytes=0, end="FIN"),
    SlowBody(name="w", bytes_per_s=1000),
    Duplicate(name="w"),
    Mutate(name="w", mutation="unit-x100", rows=3, field="cents", id_field="number", seed=7),
]


def test_every_rule_goes_through_json():
    """And comes back as it was."""
    assert {rule.kind for rule in ALL} == set(KINDS)
    for rule in ALL:
        assert rule_from(json.loads(json.dumps(rule_to(rule)))) == rule


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"kind": "statuss", "name": "w"}, "did you mean 'status'"),
        ({"kind": "status"}, "missing 1 required keyword-only argument: 'name'"),
        ({"kind": "status", "name": ""}, "name must have"),
        ({"kind": "status", "name": "w", "code": 99}, "200 to 599; given 99"),
        ({"kind": "status", "name": "w", "code": "503"}, "code of status must be a number"),
        ({"kind": "status", "name": "w", "retry_after_s": 1.5}, "retry_after_s must be a whole number"),
        ({"kind": "status", "name": "w", "body": 3}, "body of status must be a text"),
        ({"kind": "hang", "name": "w", "path": "/orders/7"}, "write '/orders/{}'"),
        ({"kind": "fail_ratio", "name": "w", "ratio": 30}, "write 0.3 for 30 %"),
        ({"kind": "delay", "name": "w", "delay_ms": 0}, "delay_ms must be more than 0"),
        ({"kind": "delay", "name": "w", "delay_s": 1}, "did you mean 'delay_ms'"),
        ({"kind": "cut_body", "name": "w", "after_bytes": 1, "end": "rst"}, "unknown end 'rst'"),
        ({"kind": "mutate", "name": "w", "mutation": "unit-x10"}, "did you mean 'unit-x100'"),
        ({"kind": "mutate", "name": "w", "mutation": "bom", "rows": 2}, "rows would do nothing"),
        ({"kind": "wrong_content_type", "name": "w", "content_type": "a\r\nSet-Cookie: b"}, "printable"),
    ],
)
def test_a_rule_that_cannot_be_is_told(data: dict[str, object], says: str):
    """In a sentence, with what was given and what is allowed."""
    with pytest.raises(ValueError, match=says.replace("?", r"\?")):
        rule_from(data)


def test_a_rule_matches_by_method_and_beginning_of_the_template():
    """Empty means all."""
    rule = Status(name="w", method="POST", path="/orders/{}")
    assert rule.matches("POST", "/orders/{}/lines")
    assert not rule.matches("GET", "/orders/{}")
    assert not rule.matches("POST", "/orders")
    assert Status(name="w").matches("GET", "/")


def test_a_ratio_is_reproducible_and_right():
    """The same seed hits the same requests; another, others; the share is what was asked for."""
    hits = [FailRatio(name="w", ratio=0.3, seed=1).hits(n) for n in range(20_000)]
    assert hits == [FailRatio(name="v", ratio=0.3, seed=1).hits(n) for n in range(20_000)]
    assert hits != [FailRatio(name="w", ratio=0.3, seed=2).hits(n) for n in range(20_000)]
    assert 0.29 < sum(hits) / len(hits) < 0.31
    assert all(FailRatio(name="w", ratio=1).hits(n) for n in range(1000))
    assert not any(FailRatio(name="w", ratio=0).hits(n) for n in range(1000))


def _attempt(key: str | None, target: str = "/x/1", method: str = "POST") -> Attempt:
    attempt = Attempt("link", 1, 0)
    attempt.key, attempt.target, attempt.method = key, target, method
    return attempt


def test_the_first_of_each_key_fail():
    """Keys are counted apart; without one, the method and the path are."""
    live = Live(1, FailFirst(name="w", first=2))
    assert [live.answers(_attempt("a")) for _ in range(4)] == [True, True, False, False]
    assert [live.answers(_attempt("b")) for _ in range(3)] == [True, True, False]
    assert [live.answers(_attempt(None)) for _ in range(3)] == [True, True, False]
    assert live.answers(_attempt(None, target="/x/2"))
    assert live.answers(_attempt(None, method="PUT"))


def test_an_answer_is_whole():
    """Its length is that of its bytes; a HEAD gets the head, a 204 no body."""
    rule = Status(name="w", code=503, retry_after_s=2, body='{"é": 1}')
    head, body = rule.answer("GET", True)
    assert head == (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
        b"Retry-After: 2\r\nConnection: keep-alive\r\n\r\n"
    )
    assert len(body) == 9
    assert rule.answer("HEAD", False) == (head.replace(b"keep-alive", b"close"), b"")
    assert Status(name="w", code=204, body="x").answer("GET", True) == (
        b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n",
        b"",
    )


def test_retry_after_has_two_forms():
    """Seconds, or a date, counted from now; anything else is none."""
    assert retry_after_s(b"120") == 120
    assert retry_after_s(b" 0 ") == 0
    assert retry_after_s(b"Wed, 21 Oct 2015 07:28:10 GMT", now_s=1445412480) == 10
    assert retry_after_s(b"Wed, 21 Oct 2015 07:28:00 GMT", now_s=1445412490) == 0
    assert retry_after_s(b"soon") is None
    assert retry_after_s(b"-1") is None


def test_a_rule_is_not_to_be_changed():
    """Rules are data."""
    rule: Rule = ALL[0]
    with pytest.raises(AttributeError):
        rule.name = "other"  # type: ignore[misc]
