"""Which connections are really made between containers, and who listens: read from the kernel's own tables.

`/proc/PID/net/tcp` of a container's first process shows its network namespace; no root is needed, nothing is touched.
Connections are sampled, so one that is shorter than the time between two looks may be missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from harness.stack.docker.engine import SERVICE_LABEL, Engine
from harness.stack.proc_net import LISTEN, rows


@dataclass(frozen=True, slots=True)
class Member:
    """A container of the project, as it is now: `pid` 0 where it is not seen from here, its addresses on networks."""

    service: str
    pid: int
    addresses: tuple[str, ...]


Connection = tuple[str, str, int]
"""(client service, dependency's service, port)."""


def members(engine: Engine, project: str) -> tuple[Member, ...]:
    """All containers of a project."""
    return tuple(member(body) for body in engine.containers(project))


def member(body: Mapping[str, Any]) -> Member:
    """A container from its `inspect` body."""
    networks = (body["NetworkSettings"].get("Networks") or {}).values()
    addresses = [one.get(key) or "" for one in networks for key in ("IPAddress", "GlobalIPv6Address")]
    return Member(body["Config"]["Labels"][SERVICE_LABEL], int(body["State"]["Pid"]), tuple(filter(None, addresses)))


def direct(of: tuple[Member, ...], client: str, service: str, port: int) -> int:
    """Connections right now that lead from the client to the service's own address on that port."""
    own = {address for one in of if one.service == service for address in one.addresses}
    return sum(
        state != LISTEN and remote in own and at == port
        for one in of
        if one.service == client and one.pid
        for state, _, (remote, at) in rows(one.pid)
    )


def connections(of: tuple[Member, ...]) -> Counter[Connection]:
    """Connections between members right now, by who dialled whom on which port.

    Looked at from both ends: one that has ended lingers only where it was closed first.
    """
    owner = {address: one.service for one in of for address in one.addresses}
    ports = open_ports(of)
    dialled: Counter[Connection] = Counter()
    met: Counter[Connection] = Counter()
    for one in of:
        for state, (_, local_port), (remote, port) in rows(one.pid):
            other = owner.get(remote)
            if state == LISTEN or other is None or other == one.service:
                continue
            if local_port in ports[one.service]:
                met[other, one.service, local_port] += 1
            elif port in ports[other]:
                dialled[one.service, other, port] += 1
    return dialled | met


def open_ports(of: Iterable[Member]) -> Mapping[str, tuple[int, ...]]:
    """TCP ports by service that are open to others."""
    return {one.service: _listening(one.pid) for one in of}


def _listening(pid: int) -> tuple[int, ...]:
    found = {port for state, (host, port), _ in rows(pid) if state == LISTEN and not ip_address(host).is_loopback}
    return tuple(sorted(found))
