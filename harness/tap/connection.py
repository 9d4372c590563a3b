"""One connection of a client, from its first byte to its end: the client's side, and what both sides share.

How it ends reaches the other side as it was: FIN as FIN, RST as RST. One thing a proxy cannot do: where a service
refuses connections, we have accepted its client's already, and reset it at once, which is the nearest to refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, cast

from harness.tap.attempt import Attempt
from harness.tap.dialling import Dialling
from harness.tap.gate import Gate
from harness.tap.http_requests import Requests
from harness.tap.http_stream import Malformed, looks_like_http
from harness.tap.ledger import Ledger
from harness.tap.sockets import reset
from harness.tap.upstream import Upstream, nowhere

if TYPE_CHECKING:
    from harness.tap.link import Link


class Connection(asyncio.Protocol):
    """The client's side. `upstream` is the other, `gate` what rules do in between."""

    transport: asyncio.Transport

    def __init__(self, link: Link) -> None:
        self.raw = False
        """The client's bytes are passed on and looked at no more."""
        self.requests: Requests | None = None
        self.client_eof = self.said_fin = self.lost = self.congested = self.resetting = self.sure = False
        self.gone_ns = 0
        """When the client said FIN, after which it may be gone, or only have no more to say."""
        self.link, self.number = link, link.tap.next_number()
        self.loop, self.ledger = link.tap.loop, Ledger(self)
        self.dialling = Dialling(self)
        self.send: Callable[[bytes], None] = self.dialling.keep
        self.write: Callable[[bytes], None] = nowhere
        self.upstream, self.gate = Upstream(self), Gate(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.write = self.transport.write
        self.fd = transport.get_extra_info("socket").fileno()
        self.link.connections.add(self)
        self.dialling.begin()

    # The client speaks

    def data_received(self, data: bytes) -> None:
        if self.raw:
            self.send(data)
            return
        requests = self.requests or self._first(data)
        if requests is None:
            self.send(data)
        elif self.link.rules or not self.gate.idle:
            self.gate.route(data)
            self.dialling.check()
        else:
            self.send(data)
            try:
                requests.feed(data)
            except Malformed:
                self.malformed_request()

    def _first(self, data: bytes) -> Requests | None:
        kind = looks_like_http(data)
        if kind is False:
            self.raw = self.upstream.raw = True
            self.link.others += 1
            return None
        self.link.http += 1
        self.sure = kind is True
        self.requests = Requests(self)
        return self.requests

    def speaks_first(self) -> None:
        """The service spoke before the client, which no HTTP server does."""
        self.raw = self.upstream.raw = True
        self.link.others += 1

    def eof_received(self) -> bool:
        self.client_eof = True
        self.gone_ns = self.gone_ns or monotonic_ns()
        if self.gate.idle:
            self.pass_fin()
        else:
            self.gate.fin()
        return True

    def pass_fin(self) -> None:
        """The client has said all, and all of it is passed on."""
        if self.upstream.transport is not None:
            self.upstream.end_writing()
            if self.said_fin:
                self.close()
        elif not self.lost:
            self.dialling.client_ended()

    def stirred(self, was_reset: bool) -> None:
        """The client left while it was not read."""
        if was_reset:
            self.ledger.fail_all("gone", monotonic_ns())
            if self.upstream.transport is not None:
                reset(self.upstream.transport)
            self.transport.abort()
            return
        self.gone_ns = self.gone_ns or monotonic_ns()
        if self.gate.hung:
            self.leave()

    def leave(self) -> None:
        """The client is gone, and nothing is to be answered to it."""
        self.ledger.fail_all("gone", self.gone_ns or monotonic_ns())
        self.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost = True
        self.write = self.send = nowhere
        self.link.tap.watcher.unwatch(self.fd)
        self.link.connections.discard(self)
        self.dialling.cancel()
        self.ledger.fail_all("gone", self.gone_ns or monotonic_ns())
        self.gate.drop()
        if self.upstream.transport is not None:
            if exc is not None:
                reset(self.upstream.transport)
            else:
                self.upstream.transport.close()
        if self.requests is not None:
            self.requests.close()
            self.requests = None

    def connected(self, transport: asyncio.Transport) -> None:
        """The service took the connection."""
        self.send = transport.write
        for data in self.dialling.take():
            transport.write(data)
        self.gate.connected()
        if self.client_eof and self.gate.idle:
            self.pass_fin()
        self.read_or_not()

    # What the streams found

    def next_answer(self) -> None:
        """An answer has ended; the next may be one of a rule, or nothing that is looked at."""
        if self.raw and not self.ledger.queue:
            self.upstream.raw = True
        if self.ledger.next_local():
            self.gate.answer_next()

    def settled(self, left: bool) -> None:
        """An answer to a client that had said FIN was taken, or it had left."""
        if left and not self.lost:
            self.stirred(True)
        elif self.said_fin:
            self.close()

    def upgraded(self, attempt: Attempt) -> None:
        """101, or a CONNECT that was granted: the rest is not HTTP."""
        self.ledger.end(attempt)
        self._pass_all(None)

    def malformed_answer(self) -> None:
        """Pass what comes byte for byte from here on, in both directions."""
        self._forget_another_protocol()
        self._pass_all("malformed")

    def _pass_all(self, error: str | None) -> None:
        self.raw = self.upstream.raw = True
        owed = self.ledger.owes()
        self.ledger.fail_all(error, monotonic_ns())
        if owed:
            self.reset_both()
        else:
            self.gate.open()

    def malformed_request(self) -> None:
        """Pass what comes byte for byte from here on; answers to what came before are awaited still."""
        requests = self.requests
        assert requests is not None
        self.raw = True
        if not self._forget_another_protocol():
            attempt = requests.attempt if requests.busy else None
            if attempt is None or attempt not in self.ledger.queue:
                attempt = self.ledger.begin(monotonic_ns())
            self.ledger.fail(attempt, "malformed", monotonic_ns())
        self.upstream.raw = not self.ledger.queue
        self.gate.open()

    def _forget_another_protocol(self) -> bool:
        """Nothing is recorded of what only began like a method; either side may be the first to show that."""
        requests = self.requests
        begun = requests.attempt if requests is not None else None
        if self.sure or begun is None or begun.path or len(self.ledger.queue) > 1:
            return False
        self.ledger.queue.clear()
        self.link.http, self.link.others = self.link.http - 1, self.link.others + 1
        return True

    # Flow and end

    def pause_writing(self) -> None:
        self.upstream.client_congested = True
        self.upstream.read_or_not()
        self.read_or_not()

    def resume_writing(self) -> None:
        self.upstream.client_congested = False
        if self.resetting:
            reset(self.transport)
            return
        self.upstream.read_or_not()
        self.gate.resume()

    def read_or_not(self) -> None:
        """Read the client unless what it says has nowhere to go."""
        if self.client_eof or self.lost:
            return
        if self.congested or self.gate.barrier or self.dialling.full:
            self.transport.pause_reading()
            self.link.tap.watcher.watch(self.fd, self.stirred)
        else:
            self.link.tap.watcher.unwatch(self.fd)
            self.transport.resume_reading()

    def upstream_ended(self) -> None:
        """The service said FIN, and all that it said is passed on."""
        self.ledger.fail_all("gone" if self.gone_ns else "eof", self.gone_ns or monotonic_ns())
        if not self.lost and not self.said_fin:
            self.said_fin = True
            self.transport.write_eof()
            self.write = nowhere
            if self.client_eof:
                self.close()

    def reset_client(self) -> None:
        """The service's RST is the client's, after what the service had said."""
        self.ledger.fail_all("gone" if self.gone_ns else "reset", self.gone_ns or monotonic_ns())
        if self.lost:
            return
        self.resetting = True
        if self.transport.get_write_buffer_size():
            self.transport.set_write_buffer_limits(0)  # resume_writing when it is empty
        else:
            reset(self.transport)

    def reset_both(self) -> None:
        """Neither side can be given what is due to it."""
        self.reset_client()
        if self.upstream.transport is not None:
            reset(self.upstream.transport)

    def cut(self, by_reset: bool) -> None:
        """A rule ends the connection in the middle of an answer; the service's side is abandoned."""
        self.ledger.fail_all("reset" if by_reset else "eof", monotonic_ns())
        if self.upstream.transport is not None:
            reset(self.upstream.transport)
        if by_reset:
            self.reset_client()
        else:
            self.transport.close()

    def end(self) -> None:
        """The last answer is given, and the client had said that it would be the last."""
        self.ledger.fail_all(None, monotonic_ns())
        self.said_fin = True
        self.close()

    def close(self) -> None:
        """Both sides have ended."""
        if not self.ledger.settling:
            self.transport.close()
            if self.upstream.transport is not None:
                self.upstream.transport.close()
