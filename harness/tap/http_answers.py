"""What services answer, parsed: each answer ends the attempt that began first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools

from harness.tap.attempt import Attempt, retry_after_s
from harness.tap.http_stream import Stream

if TYPE_CHECKING:
    from harness.tap.connection import Connection


class Answers(Stream[httptools.HttpResponseParser]):
    """What the service sends: ends the attempts in the order in which they began."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._ledger = connection, connection.ledger
        self.attempt: Attempt | None = None
        """The one that is being answered, or was last; None for an answer that nobody asked for."""
        self.status = 0
        self.stepping = False
        """Whoever feeds in pieces ends the attempt himself, after `ended`."""
        self._retry_after: bytes | None = None
        super().__init__()

    def _parser(self) -> httptools.HttpResponseParser:
        return httptools.HttpResponseParser(self)

    @property
    def interim(self) -> bool:
        """100 Continue and its like, which come before the answer."""
        return self.status < 200

    def skip_body_of_head(self) -> None:
        """Between pieces: llhttp expects the body that the answer to a HEAD only speaks of."""
        if self.in_body and self.attempt is not None and self.attempt.method == "HEAD" and not self.interim:
            self._renew()
            self._finish()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_body:
            return  # a trailer
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            self.length = int(value)
        elif size == 17:
            self._framing(name.lower(), value)
        elif size == 11 and name.lower() == b"retry-after":
            self._retry_after = value

    def on_headers_complete(self) -> None:
        self.status = status = self.parser.get_status_code()
        self.headed = self.in_body = True
        self._head_size = 0
        ledger = self._ledger
        self.attempt = attempt = ledger.queue[0] if ledger.queue and not ledger.exact else ledger.being_answered()
        if attempt is None or (status < 200 and status != 101):
            return
        attempt.status = status
        if self._retry_after is not None:
            attempt.retry_after_s, self._retry_after = retry_after_s(self._retry_after), None
        if status == 101 or (status < 300 and attempt.method == "CONNECT"):
            self._rest()
            self.attempt = None
            self._connection.upgraded(attempt)

    def on_message_complete(self) -> None:
        if self.status < 200:
            self._rest()
        else:
            self._finish()

    def _finish(self) -> None:
        attempt = self.attempt
        if attempt is not None and self.seen:
            attempt.answer_bytes, attempt.answer_hash = self.seen, self._digest()
        self._rest()
        self.ended = True
        if attempt is not None and not self.stepping:
            self._ledger.answered(attempt)

    def end_of_stream(self) -> None:
        """The service has ended: an answer without a length is whole by that."""
        if self.in_body and self.length is None and not self.chunked and not self.interim:
            self._finish()

    def _upgraded(self, rest: bytes) -> None:
        """The connection is not HTTP from here on, and passes byte for byte."""
