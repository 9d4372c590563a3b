"""The parsers: whichever way the bytes are cut, the same attempts come out of them; nonsense is Malformed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tap.attempt import Attempt
from harness.tap.http_answers import Answers
from harness.tap.http_requests import Requests
from harness.tap.http_stream import Malformed, Stream, looks_like_http
from harness.tap.templates import Templates

REQUESTS = [
    b"GET /orders/42?x=1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD / HTTP/1.1\r\n\r\n",
    b"POST /a HTTP/1.1\r\nIdempotency-Key: k\r\nContent-Length: 7\r\n\r\n\r\n\r\n\r\nx",
    b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: t\r\n\r\n",
    b"POST /c HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody",
    b"POST /d HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    b"PUT /e HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
]
ANSWERS = {
    "GET": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\r\n\r\n\r\nx",
        b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\nRetry-After: 3\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 204 None\r\n\r\n",
        b"HTTP/1.1 304 Same\r\nContent-Length: 99\r\n\r\n",
        b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n",
    ],
    "HEAD": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n",
    ],
}


@dataclass
class _Connection:
    """As much of a connection as the parsers know."""

    queue: deque[Attempt] = field(default_factory=deque)
    done: list[Attempt] = field(default_factory=list)
    number = 1
    exact = 0

    def __post_init__(self) -> None:
        self.ledger = self
        self.link = SimpleNamespace(name="link", templates=Templates(), rules=[1])

    def look_closely(self, attempt: Attempt) -> None:
        """All here are looked at closely."""

    def being_answered(self) -> Attempt | None:
        return self.queue[0] if self.queue else None

    def answered(self, attempt: Attempt) -> None:
        self.done.append(attempt)
        self.queue.popleft()


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    at = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(at)]


def _in_pieces(stream: Stream, data: bytes) -> list[bytes]:
    """Feed as the gate and the service's side do; the ends of messages must be the ends of pieces."""
    pieces, at = [], 0
    while at < len(data):
        end = stream.cut(data, at)
        assert end > at
        stream.ended = False
        stream.feed(data[at:end])
        if isinstance(stream, Answers):
            stream.skip_body_of_head()
        pieces.append(data[at:end])
        at = end
    return pieces


@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=5), st.lists(st.integers(0, 10_000)), st.booleans())
def test_requests_are_the_same_however_they_are_cut(requests: list[bytes], places: list[int], pieces: bool):
    """In the packets in which they come, and in the pieces in which they are fed."""

    def said(attempts: Iterable[Attempt]) -> list[tuple[object, ...]]:
        return [(a.method, a.path, a.key, a.request_bytes, a.request_hash, a.whole) for a in attempts]

    expected = []
    for request in requests:
        one = _Connection()
        Requests(one).feed(request)  # type: ignore[arg-type]
        expected += said(one.queue)
    connection = _Connection()
    stream = Requests(connection)  # type: ignore[arg-type]
    for packet in _cut(b"".join(requests), places):
        if pieces:
            _in_pieces(stream, packet)
        else:
            stream.feed(packet)
    assert said(connection.queue) == expected
    assert all(attempt.whole for attempt in connection.queue)
    assert not stream.busy


@given(
    st.lists(
        st.sampled_from([(method, answer) for method, answers in ANSWERS.items() for answer in answers]),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.integers(0, 10_000)),
)
def test_answers_are_the_same_however_they_are_cut(answers: list[tuple[str, bytes]], places: list[int]):
    """Each ends its own attempt, the bodies that only a HEAD's answer speaks of left out."""

    def fed(said: list[tuple[str, bytes]], places: list[int]) -> list[tuple[object, ...]]:
        connection = _Connection()
        for method, _ in said:
            attempt = Attempt("link", 1, 0)
            attempt.method = method
            connection.queue.append(attempt)
        stream = Answers(connection)  # type: ignore[arg-type]
        for packet in _cut(b"".join(answer for _, answer in said), places):
            _in_pieces(stream, packet)
        assert not connection.queue
        return [(a.method, a.status, a.answer_bytes, a.answer_hash, a.retry_after_s) for a in connection.done]

    assert fed(answers, places) == [one for answer in answers for one in fed([answer], [])]


@given(
    st.sampled_from([*REQUESTS, *ANSWERS["GET"]]),
    st.lists(st.tuples(st.integers(0, 200), st.binary(min_size=0, max_size=6)), max_size=4),
    st.lists(st.integers(0, 300)),
)
def test_nonsense_is_malformed_and_nothing_else(good: bytes, damage: list[tuple[int, bytes]], places: list[int]):
    """No byte that a peer sends raises anything else, in a callback of ours least of all."""
    for at, patch in damage:
        good = good[:at] + patch + good[at + len(patch) :]
    for kind in (Requests, Answers):
        connection = _Connection()
        attempt = Attempt("link", 1, 0)
        attempt.method = "GET"
        connection.queue.extend([attempt] * 9)
        connection.upgraded = lambda _: None  # type: ignore[attr-defined]
        stream = kind(connection)  # type: ignore[arg-type]
        with suppress(Malformed):
            for packet in _cut(good, places):
                _in_pieces(stream, packet)
        assert stream.faults == 0


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (b"GET / HTTP/1.1", True),
        (b"M-SEARCH *", True),
        (b"G", None),
        (b"GET", None),
        (b"UNSUBSCRIBE", None),
        (b"GETX", False),
        (b"get / HTTP/1.1", False),
        (b"PRI * HTTP/2.0", False),
        (b"\x16\x03\x01", False),
        (b" GET", False),
        (b"SSH-2.0-x", False),
    ],
)
def test_the_first_bytes_decide(first: bytes, expected: bool | None):
    """A method and a blank; None as long as it may become one."""
    assert looks_like_http(first) is expected
