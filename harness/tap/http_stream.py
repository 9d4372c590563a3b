"""Both directions of a connection, parsed by llhttp beside the bytes, which are passed on as they came.

A stream is fed as it comes, or in pieces: `cut` tells where a piece may end, so that each head, each body of known
length and each last chunk ends with a piece. What depends on where a message ends is done between pieces.
"""

from __future__ import annotations

import os
import traceback
from time import monotonic_ns
from typing import TYPE_CHECKING

import httptools
import xxhash

from harness.tap.attempt import Attempt, retry_after_s, text_of

if TYPE_CHECKING:
    from harness.tap.connection import Connection

METHODS = (
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND "
    b"UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK "
    b"UNLINK SOURCE QUERY"
).split()
SEED = int.from_bytes(os.urandom(8), "little")
"""Hashes of bodies are seeded anew by each process, so that a run's folder does not help to guess a short body."""
_NAMES = {method: method.decode() for method in METHODS}
_END = b"\r\n\r\n"


class Malformed(Exception):
    """The bytes are not HTTP/1.1, or no longer."""


def looks_like_http(first: bytes) -> bool | None:
    """Whether a connection begins with an HTTP method; None where too few bytes have come to tell."""
    word, space, _ = first[:16].partition(b" ")
    if space:
        return word in _NAMES
    return None if any(method.startswith(word) for method in METHODS) else False


class Stream:
    """What both directions share: where the message that is being parsed stands."""

    busy = False
    """A message has begun and not ended."""
    in_body = False
    length: int | None = None
    chunked = False
    seen = 0
    """Bytes of the body so far."""
    faults = 0
    """Of ours, in a callback."""
    headed = ended = False
    """Set when a head, or a message, ends; cleared by whoever feeds in pieces."""
    _tail = b""

    def __init__(self) -> None:
        self._hash: xxhash.xxh3_64 | None = None
        self.parser: httptools.HttpRequestParser | httptools.HttpResponseParser = self._parser()

    def _parser(self) -> httptools.HttpRequestParser | httptools.HttpResponseParser:
        raise NotImplementedError

    def feed(self, data: bytes) -> None:
        """Parse what comes next. Raises Malformed."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if isinstance(error, httptools.HttpParserCallbackError):
                self.faults += 1
                traceback.print_exception(error.__context__ or error)  # a fault of ours: not the connection's
            raise Malformed(str(error)) from error
        if self.busy:
            self._tail = (self._tail + data)[-3:]

    def _upgraded(self, rest: bytes) -> None:
        raise NotImplementedError

    def cut(self, data: bytes, at: int) -> int:
        """Where the piece that begins `at` ends."""
        if self.in_body and self.length is not None and self.seen < self.length:
            return min(len(data), at + self.length - self.seen)
        if at == 0 and self._tail:
            across = (self._tail + data[:3]).find(_END)
            if across >= 0 and across + 4 > len(self._tail):
                return across + 4 - len(self._tail)
        found = data.find(_END, max(0, at - 3))
        return found + 4 if found >= 0 else len(data)

    def _begin(self) -> None:
        self.busy, self.in_body, self.length, self.chunked, self.seen = True, False, None, False, 0
        self._tail, self._hash = b"", None

    def _framing(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.length = int(value)
        elif name == b"transfer-encoding":
            self.chunked = value.lower().endswith(b"chunked")

    def on_body(self, body: bytes) -> None:
        self.seen += len(body)
        if self._hash is None:
            self._hash = xxhash.xxh3_64(body, seed=SEED)
        else:
            self._hash.update(body)

    def _end(self) -> int | None:
        self.busy = self.in_body = False
        self.ended = True
        self._tail = b""
        return None if self._hash is None else self._hash.intdigest()

    def close(self) -> None:
        """Let go of the parser, which holds us."""
        del self.parser


_ASKED = frozenset(
    (b"idempotency-key", b"traceparent", b"x-request-id", b"content-length", b"transfer-encoding", b"expect")
)


class Requests(Stream):
    """What the client sends: begins an attempt with the first byte of each request."""

    attempt: Attempt | None = None
    """The one that is coming in, or came in last."""
    _muted = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._url = b""
        super().__init__()

    def _parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def on_message_begin(self) -> None:
        if self._muted:
            return
        self._begin()
        self._url = b""
        self.attempt = self._connection.ledger.begin(monotonic_ns())

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name not in _ASKED or self._muted or self.attempt is None or self.in_body:
            return
        if name == b"idempotency-key":
            self.attempt.key = text_of(value)
        elif name == b"traceparent":
            self.attempt.trace = text_of(value)
        elif name == b"x-request-id":
            self.attempt.trace = self.attempt.trace or text_of(value)
        elif name == b"expect":
            self.attempt.expects = value.lower() == b"100-continue"
        else:
            self._framing(name, value)

    def on_headers_complete(self) -> None:
        if self._muted:
            self._muted = False
            return
        attempt, connection = self.attempt, self._connection
        assert attempt is not None
        method = self.parser.get_method()  # type: ignore[union-attr]
        attempt.method = _NAMES.get(method) or method.decode("latin-1")
        attempt.path = connection.link.templates.of(self._url)
        attempt.target = self._url.partition(b"?")[0].decode("latin-1") if connection.link.rules else ""
        self.headed = self.in_body = True
        attempt.upgrades = self.parser.should_upgrade()
        if method == b"HEAD" or attempt.upgrades:
            connection.ledger.look_closely(attempt)

    def on_message_complete(self) -> None:
        attempt = self.attempt
        assert attempt is not None
        if attempt.upgrades and self.parser.should_upgrade() and (self.chunked or self.length):
            return  # llhttp leaves the body of a request that asks for an upgrade to us: see _upgraded
        digest = self._end()
        attempt.whole = True
        attempt.keep_alive = self.parser.should_keep_alive()
        if digest is not None:
            attempt.request_bytes, attempt.request_hash = self.seen, digest

    def _upgraded(self, rest: bytes) -> None:
        """Go on after a request that asks for an upgrade: the service may not grant it, and its body comes first."""
        self.parser = self._parser()
        if self.busy:
            framing = b"Transfer-Encoding: chunked" if self.chunked else b"Content-Length: %d" % (self.length or 0)
            self._muted = True
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + _END)
        if rest:
            self.feed(rest)


class Answers(Stream):
    """What the service sends: ends the attempts in the order in which they began."""

    attempt: Attempt | None = None
    """The one that is being answered; None for an answer that nobody asked for."""
    status = 0
    stepping = False
    """Whoever feeds in pieces ends the attempt himself, after `ended`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        super().__init__()

    def _parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    @property
    def interim(self) -> bool:
        """100 Continue and its like, which come before the answer."""
        return self.status < 200

    def skip_body_of_head(self) -> None:
        """Between pieces: llhttp expects the body that the answer to a HEAD only speaks of."""
        if self.in_body and self.attempt is not None and self.attempt.method == "HEAD" and not self.interim:
            self.parser = self._parser()
            self._finish()

    def on_message_begin(self) -> None:
        self._begin()
        self.attempt = self._connection.ledger.being_answered()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_body:
            return  # a trailer
        if len(name) == 14 or len(name) == 17:
            self._framing(name.lower(), value)
        elif len(name) == 11 and self.attempt is not None and name.lower() == b"retry-after":
            self.attempt.retry_after_s = retry_after_s(value)

    def on_headers_complete(self) -> None:
        self.status = status = self.parser.get_status_code()  # type: ignore[union-attr]
        self.headed = self.in_body = True
        attempt = self.attempt
        if attempt is None:
            return
        if status >= 200 or status == 101:
            attempt.status = status
        if status == 101 or (attempt.method == "CONNECT" and status < 300 and status >= 200):
            self._end()
            self.attempt = None
            self._connection.upgraded(attempt)

    def on_message_complete(self) -> None:
        if self.interim:
            self.busy = self.in_body = False
        else:
            self._finish()

    def _finish(self) -> None:
        digest = self._end()
        attempt = self.attempt
        if attempt is not None:
            if digest is not None:
                attempt.answer_bytes, attempt.answer_hash = self.seen, digest
            if not self.stepping:
                self._connection.answered(attempt)

    def end_of_stream(self) -> None:
        """The service has ended: an answer without a length is whole by that."""
        if self.in_body and self.length is None and not self.chunked and not self.interim:
            self._finish()

    def _upgraded(self, rest: bytes) -> None:
        """The connection is not HTTP from here on, and passes byte for byte."""
