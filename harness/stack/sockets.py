"""What crosses a link right now, from outside the target: the kernel's own count of every connection to a proxy.

Toxiproxy counts bytes only when a connection closes, so pooled traffic is invisible to it in mid-run. INET_DIAG gives
tcp_info of each live connection on the proxy's client side, without touching it and without root.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6
from typing import Any

from pyroute2 import DiagSocket
from pyroute2.netlink.diag import SS_CONN

INET_DIAG_INFO = 2
CLONE_NEWNET = 0x40000000
ESTABLISHED = 1
_Counts = tuple[int, int, int]


@dataclass(slots=True)
class LinkCount:
    """One reading of a link. The last three are totals since the first reading, over connections dead and alive."""

    connections: int = 0
    busy_connections: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    round_trips: int = 0


@dataclass(slots=True)
class _Totals:
    """Of connections that are gone, and of each that lives, as it was last seen: received, sent, round trips."""

    gone: _Counts = (0, 0, 0)
    alive: dict[tuple[int, int], _Counts] = field(default_factory=dict)
    closed_before: tuple[int, int] | None = None
    highest: _Counts = (0, 0, 0)


class LinkSockets:
    """Reads the links whose proxies listen on the given addresses (`host:port`), each reading with its totals.

    `process` is one in the network namespace of Toxiproxy, where that is not ours; entering it takes root.
    """

    def __init__(self, listens: Mapping[str, str], process: int | None = None) -> None:
        self._link: dict[tuple[str, int], str] = {}
        for name, listen in listens.items():
            host, _, port = listen.rpartition(":")
            self._link["" if host in ("0.0.0.0", "[::]", "") else host, int(port)] = name
        self._totals = {name: _Totals() for name in listens}
        self._diag: DiagSocket | None = None
        if process is None:
            self._diag = _open()
        else:
            with contextlib.suppress(OSError):
                self._diag = _open_in(process)

    def read(self, closed_bytes: Mapping[str, tuple[int, int]]) -> dict[str, LinkCount]:
        """One reading of every link. A connection is busy while its client has asked and no answer has begun; what
        takes less than a tick of the kernel's clock (4 ms) may be missed.

        `closed_bytes` (from and to clients) is Toxiproxy's count of connections that have ended: it knows of those
        that came and went between two readings. `received` and `sent` are seen from the proxy: from and to the client.
        `round_trips` counts the data segments that the client sent, one a query where queries are small.
        """
        counts = {name: LinkCount() for name in self._totals}
        seen: dict[str, dict[tuple[int, int], _Counts]] = {name: {} for name in self._totals}
        closing: dict[str, set[tuple[int, int]]] = {name: set() for name in self._totals}
        for socket in self._sockets():
            port, host = socket["idiag_sport"], str(socket["idiag_src"]).removeprefix("::ffff:")
            link = self._link.get((host, port)) or self._link.get(("", port))
            info = socket.get_attr("INET_DIAG_INFO")
            if link is None or not info:
                continue
            count = counts[link]
            count.connections += 1
            count.busy_connections += info["tcpi_last_data_recv"] < info["tcpi_last_data_sent"]
            key = (socket["idiag_dport"], socket["idiag_cookie"])
            seen[link][key] = (info["tcpi_bytes_received"], info["tcpi_bytes_acked"], info["tcpi_data_segs_in"])
            if socket["idiag_state"] != ESTABLISHED:
                closing[link].add(key)
        for name, count in counts.items():
            totals = self._totals[name]
            ended = [was for key, was in totals.alive.items() if key not in seen[name]]
            totals.gone, totals.alive = _sum([totals.gone, *ended]), seen[name]
            closed = closed_bytes.get(name, (0, 0))
            before = totals.closed_before = totals.closed_before or closed
            # Toxiproxy counts a connection as soon as one end of it is closed, and the kernel may still show it
            received, sent, _ = over = _sum([totals.gone, *(seen[name][key] for key in closing[name])])
            by_toxiproxy = (closed[0] - before[0], closed[1] - before[1])
            unseen = (max(0, by_toxiproxy[0] - received), max(0, by_toxiproxy[1] - sent), 0)
            still_open = [one for key, one in seen[name].items() if key not in closing[name]]
            total = _sum([over, unseen, *still_open])
            totals.highest = _most(total, totals.highest)
            count.received_bytes, count.sent_bytes, count.round_trips = totals.highest
        return counts

    @property
    def can_read(self) -> bool:
        """False where the kernel does not let us look: then nothing is known of what crosses."""
        return self._diag is not None

    def _sockets(self) -> Iterator[Any]:
        if self._diag is None:
            return
        for family in (AF_INET, AF_INET6):  # a server on every address serves IPv4 by sockets of IPv6
            yield from self._diag.get_sock_stats(family=family, states=SS_CONN, extensions=1 << (INET_DIAG_INFO - 1))

    def close(self) -> None:
        if self._diag is not None:
            self._diag.close()


def _open() -> DiagSocket:
    diag = DiagSocket()
    diag.bind()
    return diag


def _open_in(process: int) -> DiagSocket:
    """A socket belongs to the namespace that its thread was in when it was made. Raises OSError where we may not."""
    libc = ctypes.CDLL(None, use_errno=True)
    ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        theirs = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
        try:
            if libc.setns(theirs, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                return _open()
            finally:
                libc.setns(ours, CLONE_NEWNET)
        finally:
            os.close(theirs)
    finally:
        os.close(ours)


def _sum(parts: list[_Counts]) -> _Counts:
    a, b, c = zip(*parts, strict=True)
    return sum(a), sum(b), sum(c)


def _most(one: _Counts, other: _Counts) -> _Counts:
    return max(one[0], other[0]), max(one[1], other[1]), max(one[2], other[2])
