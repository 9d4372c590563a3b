"""What clients ask, parsed: each request is an attempt from its first byte on."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING

import httptools
import xxhash

from harness.tap.attempt import Attempt, text_of
from harness.tap.http_stream import HEAD_END, METHOD_NAMES, SEED, Stream

if TYPE_CHECKING:
    from harness.tap.connection import Connection

_ASKED = frozenset(
    (b"idempotency-key", b"traceparent", b"x-request-id", b"content-length", b"transfer-encoding", b"expect")
)
_ASKED_LENGTHS = frozenset(map(len, _ASKED))


class Requests(Stream[httptools.HttpRequestParser]):
    """What the client sends: begins an attempt with the first byte of each request."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._link, self._number = connection, connection.link, connection.number
        self._queue = connection.ledger.queue
        self._name, self._url, self._muted = self._link.name, b"", False
        self.attempt: Attempt | None = None
        """The one that is coming in, or came in last."""
        self.busy = False
        """It is coming in."""
        super().__init__()

    def _parser(self) -> httptools.HttpRequestParser:
        return httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        if not self._muted:
            self.busy, self._url = True, b""
            self.attempt = attempt = Attempt(self._name, self._number, monotonic_ns())
            self._queue.append(attempt)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) not in _ASKED_LENGTHS:
            return
        name, attempt = name.lower(), self.attempt
        if name not in _ASKED or self._muted or self.in_body or attempt is None:
            return
        if name == b"idempotency-key":
            attempt.key = text_of(value)
        elif name == b"traceparent":
            attempt.trace = text_of(value)
        elif name == b"x-request-id":
            attempt.trace = attempt.trace or text_of(value)
        elif name == b"expect":
            attempt.expects = value.lower() == b"100-continue"
        else:
            self._framing(name, value)

    def on_headers_complete(self) -> None:
        if self._muted:
            self._muted = False
            return
        attempt, link, parser, url = self.attempt, self._link, self.parser, self._url
        assert attempt is not None
        method = parser.get_method()
        attempt.method = METHOD_NAMES.get(method) or method.decode("latin-1")
        attempt.path = link.templates.cache.get(url) or link.templates.of(url)
        self._seed = xxhash.xxh3_64_intdigest(url, seed=SEED)  # the hash of a request is of its target and its body
        self.headed = self.in_body = True
        self._head_size = 0
        if link.rules:
            attempt.target = url.partition(b"?")[0].decode("latin-1")
        if parser.should_upgrade():
            attempt.upgrades = True
            self._connection.ledger.look_closely(attempt)
        elif method == b"HEAD":
            self._connection.ledger.look_closely(attempt)

    def on_message_complete(self) -> None:
        attempt = self.attempt
        assert attempt is not None
        if (self.length or self.chunked) and self.parser.should_upgrade():
            return  # llhttp leaves the body of a request that asks for an upgrade to us: see _upgraded
        attempt.whole = self.ended = True
        self.busy = False
        if self._link.rules:
            attempt.keep_alive = self.parser.should_keep_alive()
        attempt.request_hash = self._digest() if self.seen else self._seed
        attempt.request_bytes = self.seen
        if self._tail or self.chunked or self.length is not None:
            self._rest()
        self.in_body = False

    def _upgraded(self, rest: bytes) -> None:
        """Go on after a request that asks for an upgrade: the service may not grant it, and its body comes first."""
        self._renew()
        if self.busy:
            framing = b"Transfer-Encoding: chunked" if self.chunked else b"Content-Length: %d" % (self.length or 0)
            self._muted = True
            self._feed(b"POST / HTTP/1.1\r\n" + framing + HEAD_END)
        if rest:
            self.feed(rest)
