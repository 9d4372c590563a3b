"""One direction of a connection, parsed by llhttp beside the bytes, which are passed on as they came.

A stream is fed as it comes, or in pieces: `cut` tells where a piece may end, so that each head, each body of known
length and each last chunk ends with a piece. What depends on where a message ends is done between pieces.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

import httptools
import xxhash

METHODS = (
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND "
    b"UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK "
    b"UNLINK SOURCE QUERY"
).split()
SEED = int.from_bytes(os.urandom(8), "little")
"""Hashes of bodies are seeded anew by each process, so that a run's folder does not help to guess a short body."""
METHOD_NAMES = {method: method.decode() for method in METHODS}
HEAD_END = b"\r\n\r\n"
HEAD_MAX = 1 << 18
"""A head that does not end by then is no head."""


class Malformed(Exception):
    """The bytes are not HTTP/1.1, or no longer."""


def looks_like_http(first: bytes) -> bool | None:
    """Whether a connection begins with an HTTP method; None where too few bytes have come to tell."""
    word, space, _ = first[:16].partition(b" ")
    if space:
        return word in METHOD_NAMES
    return None if any(method.startswith(word) for method in METHODS) else False


_Parser = TypeVar("_Parser", httptools.HttpRequestParser, httptools.HttpResponseParser)


class Stream(Generic[_Parser]):
    """What both directions share: where the message that is being parsed stands."""

    def __init__(self) -> None:
        self.in_body = False
        """Its head has ended, and it has not."""
        self.length: int | None = None
        self.chunked = False
        self.seen = 0
        """Bytes of the body so far."""
        self.headed = self.ended = False
        """Set when a head ends (cleared by who feeds in pieces), and when the last that was fed ended a message."""
        self.faults = 0
        """Of ours, in a callback."""
        self._seed = SEED
        """Of the body's hash."""
        self._tail = b""
        self._head_size = 0
        self._first: bytes | None = None
        self._hash: xxhash.xxh3_64 | None = None
        self._renew()

    def _parser(self) -> _Parser:
        raise NotImplementedError

    def _renew(self) -> None:
        """A new parser, at the beginning of a message. Data after `Connection: close` is ignored, as servers do."""
        self.parser: _Parser = self._parser()
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed: Callable[[bytes], None] = self.parser.feed_data

    def feed(self, data: bytes) -> None:
        """Parse what comes next. Raises Malformed."""
        self.ended = False
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if isinstance(error, httptools.HttpParserCallbackError):
                self.faults += 1
                traceback.print_exception(error.__context__ or error)  # a fault of ours: not the connection's
            raise Malformed(str(error)) from error
        if self.in_body or not self.ended:
            self._tail = (self._tail + data)[-3:]
            if not self.in_body:
                self._head_size += len(data)
                if self._head_size > HEAD_MAX:
                    raise Malformed("its head does not end")

    def _upgraded(self, rest: bytes) -> None:
        raise NotImplementedError

    def cut(self, data: bytes, at: int) -> int:
        """Where the piece that begins `at` ends."""
        if self.in_body and self.length is not None and self.seen < self.length:
            return min(len(data), at + self.length - self.seen)
        if at == 0 and self._tail:
            across = (self._tail + data[:3]).find(HEAD_END)
            if across >= 0 and across + 4 > len(self._tail):
                return across + 4 - len(self._tail)
        found = data.find(HEAD_END, max(0, at - 3))
        return found + 4 if found >= 0 else len(data)

    def _framing(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.length = int(value)
        elif name == b"transfer-encoding":
            self.chunked = value.lower().endswith(b"chunked")

    def on_body(self, body: bytes) -> None:
        if not self.seen:
            self._first = body
        else:
            if self._hash is None:
                self._hash = xxhash.xxh3_64(self._first or b"", seed=self._seed)
                self._first = b""
            self._hash.update(body)
        self.seen += len(body)

    def _digest(self) -> int:
        """Of the body that has ended."""
        return self._hash.intdigest() if self._hash else xxhash.xxh3_64_intdigest(self._first or b"", seed=self._seed)

    def _rest(self) -> None:
        """Between messages."""
        self.in_body = self.chunked = False
        self.length = self._first = self._hash = None
        self.seen = self._head_size = 0
        self._tail = b""

    def close(self) -> None:
        """Let go of the parser, which holds us."""
        del self.parser, self._feed
