"""Dials the service as soon as the client connects, and keeps what the client says meanwhile.

It has no time-out of its own: it lasts as long as the kernel's, or as the client stays.
"""

from __future__ import annotations

import errno
import sys
from time import monotonic_ns
from typing import TYPE_CHECKING

from harness.tap.attempt import FAIL, UNKNOWN
from harness.tap.sockets import reset

if TYPE_CHECKING:
    from harness.tap.connection import Connection

EARLY_MAX = 1 << 18
"""Bytes of a client that wait; more are not read."""
REQUEST_WITHIN_S = 0.05
"""How long a refused client's request is waited for, so that the attempt has a method and a path."""
AFTER_FIN_S = 1.0
"""A client that says FIN meanwhile may wait for its answer still; after this it has left."""
_OUR_LIMITS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)


class Dialling:
    """From the client's connection to the service's, or to its refusal."""

    failed = False
    _error: str | None = "refused"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._early: list[bytes] = []
        self._size = 0

    def begin(self) -> None:
        self._task = self._connection.loop.create_task(self._dial())

    def keep(self, data: bytes) -> None:
        """What the client says before the service listens."""
        self._early.append(data)
        self._size += len(data)
        if self.full:
            self._connection.read_or_not()
        self._connection.loop.call_soon(self.check)  # when it is parsed

    def check(self) -> None:
        """A service that has refused already: the client's request may be known by now."""
        if self.failed:
            self.refuse_known()

    @property
    def full(self) -> bool:
        return self._size > EARLY_MAX

    def take(self) -> list[bytes]:
        """The service listens: what the client has said."""
        early, self._early, self._size = self._early, [], 0
        return early

    async def _dial(self) -> None:
        connection = self._connection
        host, port = connection.link.upstream
        try:
            await connection.loop.create_connection(lambda: connection.upstream, host, port)
        except OSError as error:
            self.failed = True
            if error.errno in _OUR_LIMITS:
                self._error = None  # it says nothing of the service
                print(f"tap: {connection.link.name}: {error}", file=sys.stderr, flush=True)
            connection.loop.call_later(REQUEST_WITHIN_S, self._refuse)
            self.refuse_known()

    def refuse_known(self) -> None:
        """The service refused: so are we to the client, at once where its request is known."""
        queue = self._connection.ledger.queue
        if self._connection.raw or (queue and all(attempt.path for attempt in queue)):
            self._refuse()

    def _refuse(self) -> None:
        if not self._connection.lost:
            outcome = FAIL if self._error else UNKNOWN
            self._connection.ledger.fail_all(self._error, monotonic_ns(), outcome)
            reset(self._connection.transport)

    def client_ended(self) -> None:
        """The client said FIN before the service listened."""
        self._connection.loop.call_later(AFTER_FIN_S, self._give_up)

    def _give_up(self) -> None:
        if self._connection.upstream.transport is None:
            self._connection.leave()

    def cancel(self) -> None:
        """The client left."""
        self._task.cancel()
