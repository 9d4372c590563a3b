"""The service's side of a connection: answers pass to the client, in pieces where something depends on their ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from harness.tap.attempt import Attempt
from harness.tap.changes import Pacer
from harness.tap.http_answers import Answers
from harness.tap.http_stream import Malformed
from harness.tap.mutating import BODY_MAX, mutated, too_long
from harness.tap.rules import CutBody
from harness.tap.sockets import left_unread

if TYPE_CHECKING:
    from harness.tap.connection import Connection


def nowhere(_data: bytes) -> None:
    """Where bytes go for a side that has ended."""


class Upstream(asyncio.Protocol):
    """One connection to the service, for one of a client."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.transport: asyncio.Transport | None = None
        self.raw = False
        """The service's bytes are passed on and looked at no more."""
        self.answers: Answers | None = None
        self.client_congested = self.lost = self._eof = False
        self._pacer: Pacer | None = None
        self._rest = b""
        """What came behind a piece that trickles."""
        self._kept = bytearray()
        """The beginning of a head that is to be changed, or of an answer that is held until it is whole."""
        self._held = 0
        """The length of the head of such an answer."""
        self._cut_by: CutBody | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._connection.lost:
            cast(asyncio.Transport, transport).abort()
        else:
            self.transport = cast(asyncio.Transport, transport)
            self._connection.connected(self.transport)

    def data_received(self, data: bytes) -> None:
        connection = self._connection
        if self.raw:
            connection.write(data)
            return
        answers = self.answers or self._first(data)
        if answers is None:
            connection.write(data)
        elif connection.ledger.exact or self._pacer is not None or self._kept:
            self._route(data)
        else:
            connection.write(data)
            try:
                answers.feed(data)
            except Malformed:
                connection.malformed_answer()

    def _first(self, data: bytes) -> Answers | None:
        if self._connection.requests is None and not data.startswith(b"HTTP/"):
            self._connection.speaks_first()
            return None
        self.answers = Answers(self._connection)
        return self.answers

    def _route(self, data: bytes) -> None:
        """Pass it on piece by piece, each changed as its attempt has it."""
        connection, answers = self._connection, self.answers
        assert answers is not None
        at = 0
        while at < len(data):
            if self._pacer is not None:
                self._rest += data[at:]
                break
            if self._cut_by is not None:
                return
            if self.raw:
                connection.write(data[at:])
                return
            end = answers.cut(data, at)
            piece, at = data[at:end], end
            attempt = connection.ledger.being_answered()
            answers.headed, answers.stepping = False, True
            try:
                answers.feed(piece)
                answers.skip_body_of_head()
            except Malformed:
                connection.write(self._taken() + piece + data[at:])
                connection.malformed_answer()
                return
            finally:
                answers.stepping = False
            if attempt is None or attempt.changes is None:
                connection.write(piece)
            else:
                self._change(attempt, piece, answers)
            if answers.ended and self._pacer is None and self._cut_by is None:
                self._answered()
        self.read_or_not()

    def _change(self, attempt: Attempt, piece: bytes, answers: Answers) -> None:
        changes = attempt.changes
        assert changes is not None
        if self._held:
            self._kept += piece
            if len(self._kept) - self._held > BODY_MAX:
                too_long(attempt, changes.mutating(), self._connection.link.tap.journal)
                self._let_go(attempt, whole=False)
            elif answers.ended:
                self._let_go(attempt, whole=True)
        elif answers.headed or not (answers.in_body or answers.ended):
            self._kept += piece
            if answers.headed and not self._hold(attempt, answers):
                self._pass_head(attempt, self._taken(), answers.interim)
        else:
            self._pass_body(attempt, piece)

    def _hold(self, attempt: Attempt, answers: Answers) -> bool:
        """Whether the answer whose head is whole is to be held."""
        assert attempt.changes is not None
        if not answers.in_body or not 200 <= answers.status < 300 or answers.status == 206:
            return False
        lives = attempt.changes.mutating()
        if lives and (answers.length or 0) > BODY_MAX:
            too_long(attempt, lives, self._connection.link.tap.journal)
            return False
        for live in lives:
            live.waiting.add(self._release)
        self._held = len(self._kept) if lives else 0
        return bool(lives)

    def _taken(self) -> bytes:
        """What is kept, which is kept no longer."""
        kept, self._held = bytes(self._kept), 0
        self._kept.clear()
        if self.answers is not None and self.answers.attempt is not None and self.answers.attempt.changes is not None:
            for live in self.answers.attempt.changes.mutating():
                live.waiting.discard(self._release)
        return kept

    def _let_go(self, attempt: Attempt, whole: bool) -> None:
        """Pass on the answer that is held: changed, or what there is of it as it came."""
        assert attempt.changes is not None
        at = self._held
        kept = self._taken()
        head, body = kept[:at], kept[at:]
        lives = attempt.changes.mutating()
        if whole and lives:
            head, body = mutated(attempt, lives, head, body, self._connection.link.tap.journal)
        self._pass_head(attempt, head, False)
        self._pass_body(attempt, body)

    def _release(self) -> None:
        """What is held need not be whole any more: a rule was taken off, or no more will come."""
        if self._held and self.answers is not None and self.answers.attempt is not None:
            self._let_go(self.answers.attempt, whole=False)
            self.read_or_not()

    def _pass_head(self, attempt: Attempt, head: bytes, interim: bool) -> None:
        assert attempt.changes is not None
        name = None
        if not interim:
            head, name = attempt.changes.head(head)
        if name is not None:
            attempt.touched_by(name)
        self._connection.write(head)

    def _pass_body(self, attempt: Attempt, piece: bytes) -> None:
        changes = attempt.changes
        assert changes is not None
        piece, self._cut_by = changes.body(piece)
        slow = changes.slow()
        if slow is not None and piece:
            attempt.touched_by(slow.rule.name)
            self._pacer = Pacer(self._connection.loop, slow, piece, self._write, self._drained)
            return
        self._connection.write(piece)
        if self._cut_by is not None:
            self._cut(attempt, self._cut_by)

    def _write(self, data: bytes) -> None:
        self._connection.write(data)

    def _drained(self) -> None:
        """The piece that trickled is passed on."""
        self._pacer = None
        answers = self.answers
        if self.lost or answers is None:
            return
        if self._cut_by is not None and answers.attempt is not None:
            self._cut(answers.attempt, self._cut_by)
            return
        if answers.ended:
            self._answered()
        rest, self._rest = self._rest, b""
        if rest:
            self._route(rest)
        if self._eof:
            self._connection.upstream_ended()
        self.read_or_not()

    def _answered(self) -> None:
        answers = self.answers
        if answers is not None and answers.attempt is not None:
            answers.ended = False
            self._connection.ledger.answered(answers.attempt)

    def _cut(self, attempt: Attempt, rule: CutBody) -> None:
        assert self.answers is not None
        assert attempt.changes is not None
        attempt.touched_by(rule.name)
        self.answers.in_body = False
        attempt.answer_bytes, attempt.answer_hash = attempt.changes.sent, None
        self._connection.cut(by_reset=rule.end == "RST")

    def eof_received(self) -> bool:
        self._eof = True
        answers = self.answers
        if answers is not None and answers.attempt is not None and self._held:
            answers.stepping = True
            answers.end_of_stream()
            answers.stepping = False
            self._let_go(answers.attempt, whole=answers.ended)
            if self._cut_by is not None or self._pacer is not None:
                return True
            if answers.ended:
                self._answered()
        else:
            self._connection.write(self._taken())
            if answers is not None and not self.raw:
                answers.end_of_stream()
        self._connection.upstream_ended()
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost = True
        self._connection.send = nowhere
        by_reset = exc is not None and self.transport is not None and not self._connection.lost
        if by_reset and self.transport is not None:
            left = left_unread(self.transport)
            if left:
                self.data_received(left)
        self._release()
        if by_reset:
            self._connection.reset_client()
        if self._pacer is not None:
            self._pacer.stop()
        if self.answers is not None:
            self.answers.close()

    def pause_writing(self) -> None:
        self._connection.congested = True
        self._connection.read_or_not()

    def resume_writing(self) -> None:
        self._connection.congested = False
        self._connection.read_or_not()

    def read_or_not(self) -> None:
        """Read the service unless what it says has nowhere to go."""
        if self.transport is None or self.lost or self._eof:
            return
        if self.client_congested or self._pacer is not None:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def end_writing(self) -> None:
        """The client's FIN is passed on."""
        if self.transport is not None and not self.lost:
            self._connection.send = nowhere
            self.transport.write_eof()
