"""The attempts of one connection that are under way, in the order in which they began, and how each of them ends."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic_ns
from typing import TYPE_CHECKING

from harness.tap.attempt import FAIL, OK, UNKNOWN, Attempt
from harness.tap.sockets import delivered

if TYPE_CHECKING:
    from harness.tap.connection import Connection

SETTLED_WITHIN_NS = 2_000_000_000
SETTLE_POLL_S = 0.01


class Ledger:
    """An attempt ends once: answered, or failed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._recorder = connection.link.tap.recorder
        self.queue: deque[Attempt] = deque()
        self.exact = 0
        """How many of the queue need their answers in pieces."""
        self.settling = 0
        """How many were answered to a client that may have left."""

    def begin(self, at_ns: int) -> Attempt:
        """The first byte of a request."""
        attempt = Attempt(self._connection.link.name, self._connection.number, at_ns)
        self.queue.append(attempt)
        return attempt

    def being_answered(self) -> Attempt | None:
        """The attempt whose answer comes next from the service."""
        queue = self.queue
        if not queue or (self.exact and queue[0].answered_by is not None):
            return None
        return queue[0]

    def next_local(self) -> bool:
        """The next answer to the client is one of a rule, not of the service."""
        return bool(self.queue) and self.queue[0].answered_by is not None

    def owes(self) -> bool:
        """A rule has taken a request that it has not answered yet."""
        return any(attempt.answered_by is not None for attempt in self.queue)

    def look_closely(self, attempt: Attempt) -> None:
        """Have its answer in pieces."""
        if not attempt.exact:
            attempt.exact = True
            self.exact += 1

    def answered(self, attempt: Attempt) -> None:
        """The last byte of the service's answer was passed on."""
        self.end(attempt)
        if self.exact or self._connection.raw:
            self._connection.next_answer()

    def end(self, attempt: Attempt) -> None:
        """It has its whole answer."""
        queue = self.queue
        if not queue or queue[0] is not attempt:
            return  # it has failed before, by what its client did
        queue.popleft()
        if self.exact and attempt.exact:
            self.exact -= 1
        attempt.outcome = OK if attempt.status is None or attempt.status < 500 else FAIL
        attempt.ended_ns = monotonic_ns()
        if self._connection.gone_ns:
            self.settling += 1
            self._settle(attempt, attempt.ended_ns + SETTLED_WITHIN_NS)
        else:
            self._recorder.add(attempt)

    def _settle(self, attempt: Attempt, deadline_ns: int) -> None:
        """A client that said FIN before its answer may be gone: then its kernel answers ours with RST."""
        connection = self._connection
        took = False if connection.lost else delivered(connection.transport)
        if took is None and monotonic_ns() < deadline_ns:
            asyncio.get_running_loop().call_later(SETTLE_POLL_S, self._settle, attempt, deadline_ns)
            return
        if not took:
            attempt.outcome, attempt.error, attempt.ended_ns = UNKNOWN, "gone", connection.gone_ns
        self._recorder.add(attempt)
        self.settling -= 1
        connection.settled(left=took is False)

    def fail(self, attempt: Attempt, error: str | None, at_ns: int, outcome: str = UNKNOWN) -> None:
        """It ended without a whole answer."""
        self._leave(attempt)
        self.measure(attempt)
        attempt.outcome, attempt.error, attempt.ended_ns = outcome, error, max(at_ns, attempt.started_ns)
        self._recorder.add(attempt)

    def fail_all(self, error: str | None, at_ns: int, outcome: str = UNKNOWN) -> None:
        while self.queue:
            self.fail(self.queue[0], error, at_ns, outcome)

    def interrupted(self) -> list[Attempt]:
        """Recording stops: what is under way is unknown, and nothing went wrong."""
        now_ns = monotonic_ns()
        for attempt in self.queue:
            self.measure(attempt)
            attempt.outcome, attempt.error, attempt.ended_ns = UNKNOWN, None, now_ns
        return list(self.queue)

    def measure(self, attempt: Attempt) -> None:
        """Count the bytes of bodies that have not ended."""
        requests, answers = self._connection.requests, self._connection.upstream.answers
        if requests is not None and requests.attempt is attempt and requests.in_body:
            attempt.request_bytes = requests.seen
        if answers is not None and answers.attempt is attempt and answers.in_body:
            attempt.answer_bytes = answers.seen

    def _leave(self, attempt: Attempt) -> None:
        self.queue.remove(attempt)
        if attempt.exact:
            self.exact -= 1
