"""What rules do to requests: a connection's requests stop here, one at a time, while rules are in force on its link.

Each is held at the end of its head until its rules are through with it. What comes behind it is not looked at before,
so that no request overtakes another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING

import xxhash

from harness.tap.attempt import Attempt
from harness.tap.changes import Changes
from harness.tap.duplicate import deliver_again
from harness.tap.http_stream import SEED, Malformed
from harness.tap.live import Live
from harness.tap.rules import Answering, Delay, Duplicate, Hang

if TYPE_CHECKING:
    from harness.tap.connection import Connection

HELD_MAX = 1 << 20
"""Bytes of a request that are held, or kept to be sent again; a client is not read beyond."""


class Sink(Enum):
    """Where the bytes of the request go that is coming in."""

    HEAD = "kept until its head is whole"
    HELD = "kept until a rule lets it go"
    PASSED = "to the service"
    TAKEN = "nowhere: a rule answers"


class Gate:
    """The requests of one connection."""

    _sink = Sink.HEAD
    _size = 0
    _rest = b""
    """What came behind a request that is held."""
    _waiting: Live | None = None
    _timer: asyncio.TimerHandle | None = None
    _attempt: Attempt | None = None
    _copier: Live | None = None
    _copy: list[bytes] | None = None

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.idle = True
        """Nothing is kept here, and the rest of the request that is coming in, if any, is to be passed."""
        self._kept: list[bytes] = []
        self._plan: list[Live] = []
        self._changing: list[Live] = []

    @property
    def barrier(self) -> bool:
        """No more of the client can be taken in."""
        if self._waiting is not None:
            assert self._attempt is not None
            return self._attempt.whole or self._size > HELD_MAX
        return self._connection.upstream.client_congested and self._sink is Sink.HEAD and not self.idle

    @property
    def hung(self) -> bool:
        return self._waiting is not None and isinstance(self._waiting.rule, Hang)

    def route(self, data: bytes) -> None:
        """What the client says next."""
        connection = self._connection
        requests = connection.requests
        assert requests is not None
        if self.idle:
            self._sink = Sink.PASSED if requests.busy else Sink.HEAD
            self.idle = False
        at = 0
        while at < len(data):
            if connection.raw:
                connection.send(data[at:])
                return
            if self.barrier:
                self._rest += data[at:]
                break
            end = requests.cut(data, at)
            piece, at = data[at:end], end
            requests.headed = False
            try:
                requests.feed(piece)
            except Malformed:
                self._take(piece)
                self._rest = data[at:]
                connection.malformed_request()
                return
            self._take(piece)
            attempt = requests.attempt
            if requests.headed and self._sink is Sink.HEAD and attempt is not None:
                self._decide(attempt)
            if requests.ended and attempt is not None:
                self._ended(attempt)
        self._rest_or_idle()

    def _take(self, piece: bytes) -> None:
        if self._sink in (Sink.HEAD, Sink.HELD):
            self._kept.append(piece)
            self._size += len(piece)
        elif self._sink is Sink.PASSED:
            self._connection.send(piece)
            if self._copy is not None:
                self._copy.append(piece)
                self._size += len(piece)
                if self._size > HELD_MAX:
                    self._copy = None

    def _decide(self, attempt: Attempt) -> None:
        """Its head is whole: find the rules that it meets."""
        rules = self._connection.link.rules
        self._attempt, self._sink = attempt, Sink.HELD
        self._plan = [live for live in rules if live.rule.matches(attempt.method, attempt.path)]
        self._changing, self._copier = [], None
        self._step()

    def _step(self) -> None:
        """Through the rules that are left of its plan, as far as one that waits or answers."""
        attempt = self._attempt
        assert attempt is not None
        while self._plan:
            live = self._plan.pop(0)
            if not live.on:
                continue
            if isinstance(live.rule, Answering):
                if live.answers(attempt):
                    self._answer(attempt, live.rule)
                    return
            elif isinstance(live.rule, Delay | Hang):
                self._wait(attempt, live)
                return
            elif isinstance(live.rule, Duplicate):
                self._copier = live
            else:
                self._changing.append(live)
        self._let_through(attempt)

    def _wait(self, attempt: Attempt, live: Live) -> None:
        attempt.touched_by(live.rule.name)
        self._waiting = live
        live.waiting.add(self._release)
        if isinstance(live.rule, Delay):
            self._timer = self._connection.loop.call_later(live.rule.delay_ms / 1000, self._release)

    def _unwait(self) -> None:
        if self._waiting is not None:
            self._waiting.waiting.discard(self._release)
            self._waiting = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release(self) -> None:
        """Its time is over, or the rule was taken off."""
        self._unwait()
        self._step()
        if self._waiting is None:
            assert self._attempt is not None
            if self._attempt.whole:
                self._ended(self._attempt)
            self.resume()

    def _answer(self, attempt: Attempt, rule: Answering) -> None:
        attempt.answered_by, attempt.injected = rule, rule.name
        self._connection.ledger.look_closely(attempt)
        self._kept, self._size, self._sink = [], 0, Sink.TAKEN
        self._go_on_with(attempt)

    def _go_on_with(self, attempt: Attempt) -> None:
        """A client that waits for leave to send its body gets it from a rule that answers, in its turn."""
        connection = self._connection
        first = connection.upstream.transport is not None and connection.ledger.queue[0] is attempt
        if attempt.expects and not attempt.whole and first:
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _let_through(self, attempt: Attempt) -> None:
        changing = [live for live in self._changing if live.on]
        if changing:
            attempt.changes = Changes(changing)
            self._connection.ledger.look_closely(attempt)
        kept, self._kept, self._sink = self._kept, [], Sink.PASSED
        doubled = self._copier is not None and not attempt.upgrades
        self._copy = list(kept) if doubled else None
        self._pass(kept)

    def _pass(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._connection.send(piece)

    def _ended(self, attempt: Attempt) -> None:
        """The request that was coming in is whole."""
        if self._sink is Sink.HELD:
            return
        if self._copy is not None and self._copier is not None and self._copier.on:
            attempt.touched_by(self._copier.rule.name)
            deliver_again(self._connection.loop, self._connection.link.upstream, self._copy, attempt.method)
        self._copy, self._size = None, 0
        taken, self._sink = self._sink is Sink.TAKEN, Sink.HEAD
        if taken:
            self.answer_next()
        elif not attempt.keep_alive:
            self._connection.raw = True  # llhttp takes no more

    def answer_next(self) -> None:
        """Send the answers of rules whose turn it is: not for a service that is not there."""
        connection, ledger = self._connection, self._connection.ledger
        if connection.upstream.transport is None:
            return
        while ledger.next_local() and ledger.queue[0].whole:
            attempt = ledger.queue[0]
            rule = attempt.answered_by
            assert rule is not None
            head, body = rule.answer(attempt.method, attempt.keep_alive)
            connection.write(head + body)
            attempt.status, attempt.retry_after_s, attempt.answer_bytes = rule.code, rule.retry_after_s, len(body)
            attempt.answer_hash = xxhash.xxh3_64_intdigest(body, seed=SEED) if body else None
            ledger.end(attempt)
            if not attempt.keep_alive:
                connection.end()
                return

    def connected(self) -> None:
        """The service is there."""
        if self._sink is Sink.TAKEN and self._attempt is not None:
            self._go_on_with(self._attempt)
        self.answer_next()

    def resume(self) -> None:
        """Go on with what came behind, where nothing holds it up any more."""
        if not self.barrier:
            rest, self._rest = self._rest, b""
            if rest:
                self.route(rest)
            else:
                self._rest_or_idle()

    def _rest_or_idle(self) -> None:
        kept = self._waiting or self._rest or self._kept or self._copy is not None
        self.idle = not kept and self._sink is not Sink.TAKEN
        connection = self._connection
        if connection.client_eof and self._waiting is None and not self._rest:
            self.fin()
        connection.read_or_not()

    def fin(self) -> None:
        """The client has no more to say, or has left."""
        if self.hung or self._sink is Sink.TAKEN:
            self._connection.leave()
        elif self._waiting is None and not self._rest:
            self.open()

    def open(self) -> None:
        """Let go of all that is here, as it came."""
        self._unwait()
        kept, self._kept, self._copy, self._rest, self._size = [*self._kept, self._rest], [], None, b"", 0
        taken, self._sink, self.idle = self._sink is Sink.TAKEN, Sink.HEAD, True
        if taken:
            self._connection.reset_both()  # half a request is with a rule, which cannot give it back
            return
        self._pass(kept)
        if self._connection.client_eof:
            self._connection.pass_fin()
        self._connection.read_or_not()

    def drop(self) -> None:
        """The connection has ended."""
        self._unwait()
        self._kept, self._plan, self._changing, self._copy, self._rest, self.idle = [], [], [], None, b"", True
