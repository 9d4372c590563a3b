"""Finds the edges of a project: which service dials which, on which port, and how it is known. Pure.

Evidence is what the file says (environment, command, links, depends_on, the user's x-harness) and what was seen. What
cannot be led through Toxiproxy is left out by name, with the reason: nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.adopt.evidence import Mention, in_command, in_environment
from harness.adopt.left_out import LeftOut, at_client, between, by_address, outside
from harness.adopt.names import names_of, owner, shared_names, tenants, whom
from harness.adopt.project import ComposeProject

SAID = "x-harness"
JOB = "service_completed_successfully"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A client dials a service on a TCP port. `reasons` are short phrases that say how it is known.

    Both are owners of a network: what lives in another's (`network_mode: service:`) counts as that one.
    """

    client: str
    service: str
    port: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenConnection:
    """Connections that were really seen between two services while the stack ran, and how many."""

    client: str
    service: str
    port: int
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """The edges, sorted, what was left out, and all TCP ports that are known, by service.

    A service that is linked to a client is met at Toxiproxy under all its names: what it has besides the edges' ports
    must be led through too, or the client would find it closed.
    """

    edges: tuple[Edge, ...]
    left_out: tuple[LeftOut, ...]
    ports: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def find_edges(
    project: ComposeProject,
    exposed_ports: Mapping[str, tuple[int, ...]],
    seen: tuple[SeenConnection, ...] = (),
) -> Found:
    """The edges of a project. `exposed_ports` are TCP ports by service that are known from elsewhere: the images'
    EXPOSE, or who listens in the running containers.
    """
    known = _Known(project, exposed_ports)
    edges: list[Edge] = []
    left_out: list[LeftOut] = []
    for client in sorted(project.services):
        if owner(project, client) != client:
            continue
        refusal = at_client(project, client)
        left_out += refusal
        if not project.services[client].networks:
            continue
        gathered = _Client(project, known, client)
        gathered.read(seen)
        edges += gathered.edges()
        left_out += gathered.left_out
    ports = {name: tuple(known.tcp(name)) for name in sorted(project.services) if owner(project, name) == name}
    return Found(tuple(sorted(edges)), tuple(dict.fromkeys(left_out)), ports)


class _Known:
    """The ports that each owner's network has."""

    def __init__(self, project: ComposeProject, exposed: Mapping[str, tuple[int, ...]]) -> None:
        self._tcp: dict[str, set[int]] = {}
        self._udp: dict[str, set[int]] = {}
        for name, service in project.services.items():
            self._tcp.setdefault(owner(project, name), set()).update((*service.tcp_ports, *exposed.get(name, ())))
            self._udp.setdefault(owner(project, name), set()).update(service.udp_ports)

    def tcp(self, service: str) -> list[int]:
        return sorted(self._tcp[service])

    def udp(self, service: str) -> list[int]:
        return sorted(self._udp[service] - self._tcp[service])


class _Client:
    """Gathers what is known of one client: reasons by service and port; port 0 where only the service is known."""

    def __init__(self, project: ComposeProject, known: _Known, client: str) -> None:
        self.project, self.known, self.client = project, known, client
        self.whom = whom(project, client)
        self.reasons: dict[str, dict[int, dict[str, None]]] = {}
        self.udp: dict[str, set[int]] = {}
        self.left_out: list[LeftOut] = []

    def read(self, seen: Iterable[SeenConnection]) -> None:
        """All evidence, the surest first: that is the order of the reasons."""
        for said in self.project.said:
            if owner(self.project, said.client) == self.client:
                self._add(owner(self.project, said.service), said.port, SAID)
        for name in tenants(self.project, self.client):
            service = self.project.services[name]
            whose = "" if name == self.client else f" of {name}"
            for mention in (*in_environment(service.environment, whose), *in_command(service.words, whose)):
                self._mention(mention)
            for other, alias in service.links:
                if other in self.project.services:
                    self._add(other, 0, f"link {other}:{alias}" if alias != other else f"link {other}")
            for other, how in service.depends_on.items():
                if other in self.project.services and how.condition != JOB:
                    self._add(owner(self.project, other), 0, f"depends_on{whose}")
        for one in seen:
            if {one.client, one.service} <= set(self.project.services) and owner(
                self.project, one.client
            ) == self.client:
                phrase = f"{one.count} connection{'' if one.count == 1 else 's'} seen"
                self._add(owner(self.project, one.service), one.port, phrase)

    def edges(self) -> list[Edge]:
        """What can be led through Toxiproxy; the rest goes to `left_out`."""
        found = []
        for service, by_port in sorted(self.reasons.items()):
            tcp, udp = self.known.tcp(service), self.known.udp(service)
            general = tuple(by_port.pop(0, ()))
            ports = {port: (*reasons, *(r for r in general if r not in reasons)) for port, reasons in by_port.items()}
            if not ports:
                ports = dict.fromkeys(tcp, general)
            maybe_udp = self.udp.get(service, set()) | ({*udp} if not by_port else set())
            if any(SAID in reasons for reasons in by_port.values()):
                maybe_udp = set()  # whoever says a link knows that no datagram goes under the same name
            refusal = between(self.project, self.client, service, sorted(ports), sorted(maybe_udp))
            self.left_out += refusal
            if not refusal:
                found += [Edge(self.client, service, port, tuple(reasons)) for port, reasons in ports.items()]
                self.left_out += self._shared(service)
        return found

    def _add(self, service: str, port: int, reason: str) -> None:
        if service != self.client:
            self.reasons.setdefault(service, {}).setdefault(port, {})[reason] = None

    def _mention(self, mention: Mention) -> None:
        services = self.whom.get(mention.host.lower())
        if services is None or not services:
            self.left_out += (
                by_address(self.project, self.client, mention)
                if services is None
                else [outside(self.client, mention, self.project.services[self.client].extra_hosts)]
            )
            return
        for service in services:
            if service == self.client:
                continue
            port = self._port(service, mention)
            if port is not None:
                self._add(service, port, mention.source)

    def _port(self, service: str, mention: Mention) -> int | None:
        """The TCP port that a mention of a service means; 0 where it leaves it open; None where it is no mention."""
        tcp, udp = self.known.tcp(service), self.known.udp(service)
        port = mention.port
        if port is not None and not 0 < port < 65536:
            return None
        if mention.udp or port in udp:
            self.udp.setdefault(service, set()).add(port or 0)
            return 0
        if mention.form == "companion":
            return port if port in tcp else None
        if mention.form == "pair" and port not in tcp and (port or 0) < (1024 if tcp else 21):
            return None  # the tag of an image: redis:7, postgres:16
        if port is not None:
            return port
        if len(tcp) == 1:
            return tcp[0] if mention.form != "url" or mention.default is None else mention.default
        if mention.default is not None and (mention.form == "url" or not tcp or mention.default in tcp):
            return mention.default
        return 0

    def _shared(self, service: str) -> list[LeftOut]:
        names = shared_names(self.project, self.client)
        return [
            LeftOut(
                f"the name {name} at {self.client}",
                f"{' and '.join(services)} take turns under it, so Toxiproxy bears it for neither",
            )
            for name, services in names.items()
            if service in services and names_of(self.project, self.client, service)
        ]
