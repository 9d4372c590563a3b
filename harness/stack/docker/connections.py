"""Which connections are really made between containers, and who listens: read from the kernel's own tables.

`/proc/PID/net/tcp` of a container's first process shows its network namespace; no root is needed, nothing is touched.
Connections are sampled, so one that is shorter than the time between two looks may be missed, unless it lingers, as it
does where it was closed first: both ends are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from harness.stack.docker.engine import SERVICE_LABEL, Engine
from harness.stack.proc_net import LISTEN, rows


@dataclass(frozen=True, slots=True)
class Member:
    """A container of the project, as it is now: `pid` None where it runs and is not seen from here, 0 where it does not
    run; its addresses on networks."""

    service: str
    pid: int | None
    addresses: tuple[str, ...]


Connection = tuple[str, str, int]
"""(client service, dependency's service, port)."""
Address = tuple[str, int]
Tables = Callable[[int], Iterable[tuple[str, Address, Address]]]
"""Reads the connections of a process' namespace: (state, local, remote)."""


def members(engine: Engine, project: str) -> tuple[Member, ...]:
    """All containers of a project."""
    return tuple(member(engine, body) for body in engine.containers(project))


def member(engine: Engine, body: Mapping[str, Any]) -> Member:
    """A container from its `inspect` body."""
    name = body["Config"]["Labels"][SERVICE_LABEL]
    process = engine.process_of(body, name)
    pid = process.pid if process else None if body["State"]["Pid"] else 0
    networks = (body["NetworkSettings"].get("Networks") or {}).values()
    addresses = [one.get(key) or "" for one in networks for key in ("IPAddress", "GlobalIPv6Address")]
    return Member(name, pid, tuple(filter(None, addresses)))


def direct(of: tuple[Member, ...], client: str, service: str, port: int, tables: Tables = rows) -> int | None:
    """Connections right now, and just before, that lead from the client to the service's own address on that port. None
    where the client is not seen from here."""
    clients = [one for one in of if one.service == client]
    servers = [one for one in of if one.service == service]
    if not clients or any(one.pid is None for one in clients):
        return None
    theirs, own = ({address for one in side for address in one.addresses} for side in (clients, servers))
    dialled = sum(remote in own and at == port for _, (remote, at) in _connected(clients, tables))
    met = sum(remote in theirs and at == port for (_, at), (remote, _) in _connected(servers, tables))
    return max(dialled, met)


def _connected(of: Iterable[Member], tables: Tables = rows) -> Iterator[tuple[Address, Address]]:
    """(local, remote) of each connection."""
    return ((local, remote) for one in of if one.pid for state, local, remote in tables(one.pid) if state != LISTEN)


def connections(of: tuple[Member, ...]) -> Counter[Connection]:
    """Connections between members right now, by who dialled whom on which port.

    Looked at from both ends: one that has ended lingers only where it was closed first.
    """
    owner = {address: one.service for one in of for address in one.addresses}
    ports = open_ports(of)
    dialled: Counter[Connection] = Counter()
    met: Counter[Connection] = Counter()
    for one in of:
        for (_, local_port), (remote, port) in _connected([one]):
            other = owner.get(remote)
            if other is None or other == one.service:
                continue
            if local_port in ports[one.service]:
                met[other, one.service, local_port] += 1
            elif port in ports[other]:
                dialled[one.service, other, port] += 1
    return dialled | met


def open_ports(of: Iterable[Member]) -> Mapping[str, tuple[int, ...]]:
    """TCP ports by service that are open to others."""
    return {one.service: _listening(one.pid or 0) for one in of}


def _listening(pid: int) -> tuple[int, ...]:
    found = {port for state, (host, port), _ in rows(pid) if state == LISTEN and not ip_address(host).is_loopback}
    return tuple(sorted(found))
