"""Lays out which networks there are, who is on them, and under which names and addresses. Pure.

Order is what makes it work: of a container's networks the first that knows a name answers alone (names.py), so an
edge's network must come before all of the client's own. It does by its name, once it is open when any of them is, and
dual-stack when any of them is. On a dual-stack one Toxiproxy listens on its IPv4 address only: the IPv6 one refuses at
once and clients go on to the next, so a cut edge is cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network

from harness.adopt.edges import Edge
from harness.adopt.link_names import pair_names
from harness.adopt.names import names_of, shared_names
from harness.adopt.project import ComposeNetwork, ComposeProject
from harness.adopt.subnets import SMALLEST, Subnets, fixed, given_out, prefix_for, six
from harness.adopt.yaml_text import Node
from harness.errors import ComposeFileError

MODES = ("soft", "strict")
Pair = tuple[str, str]


def upstream_name(service: str) -> str:
    """The one name under which Toxiproxy finds the real service: at Toxiproxy `api` is Toxiproxy itself."""
    return f"{service}.upstream"


@dataclass(frozen=True, slots=True)
class OurNetwork:
    """A network that we add. `ranged`: its lower half, where fixed addresses are, is not given out."""

    key: str
    name: str
    subnet: IPv4Network
    internal: bool = False
    dual_stack: bool = False
    ranged: bool = False

    def node(self, labels: Mapping[str, str]) -> Node:
        """It as the override file says it."""
        pool: dict[str, Node] = {"subnet": str(self.subnet)}
        if self.ranged:
            pool |= {"gateway": str(self.subnet.network_address + 1), "ip_range": str(given_out(self.subnet))}
        pools: list[Node] = [pool]
        body: dict[str, Node] = {"name": self.name}
        if self.internal:
            body["internal"] = True
        if self.dual_stack:
            body["enable_ipv6"] = True
            pools.append({"subnet": str(six(self.subnet))})
        body["ipam"] = {"config": pools}
        if labels:
            body["labels"] = dict(labels)
        return body


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the override file says of networks.

    `edge_networks` by pair of client and service; `upstream_networks` (strict) by service; `meeting` (soft) the user's
    network, by service, on which Toxiproxy reaches it; `own_addresses` Toxiproxy's on those that need a fixed one.
    """

    project: ComposeProject
    mode: str
    edge_networks: Mapping[Pair, OurNetwork]
    upstream_networks: Mapping[str, OurNetwork]
    meeting: Mapping[str, str]
    own_addresses: Mapping[str, str]
    control: OurNetwork | None
    config_key: str

    def clients(self) -> list[str]:
        """The services that dial."""
        return sorted({client for client, _ in self.edge_networks})

    def services(self) -> list[str]:
        """The services that are dialled."""
        return sorted({service for _, service in self.edge_networks})

    def touched(self) -> list[str]:
        """The services of the user's that the override file names."""
        return sorted({*self.clients(), *self.services()})

    def networks(self) -> list[OurNetwork]:
        """All of ours: edges, upstreams, control."""
        return [
            *self.edge_networks.values(),
            *self.upstream_networks.values(),
            *([self.control] if self.control else []),
        ]

    def attachments(self, service: str) -> dict[str, Node]:
        """The networks of one of the user's services, beside what its own file says (soft) or in place of it."""
        found: dict[str, Node] = {}
        own = self.project.services[service].networks
        if self.mode == "soft":
            for one in own:
                meets = self.meeting.get(service) == one.network
                found[one.network] = {"aliases": [upstream_name(service)]} if meets else None
        for (client, _), network in self.edge_networks.items():
            if client == service:
                found[network.key] = None
        if service in self.upstream_networks:
            aliases = sorted({alias for one in own for alias in one.aliases})
            found[self.upstream_networks[service].key] = {"aliases": [upstream_name(service), *aliases]}
        return found

    def toxiproxy_attachments(self) -> dict[str, Node]:
        """Toxiproxy's networks. It bears foreign names on those of the edges only."""
        found: dict[str, Node] = {}
        for key in sorted(set(self.meeting.values())):
            found[key] = {"ipv4_address": self.own_addresses[key]} if key in self.own_addresses else {}
        for network in self.upstream_networks.values():
            found[network.key] = {}
        for (client, service), network in self.edge_networks.items():
            aliases = list(names_of(self.project, client, service))
            found[network.key] = {"ipv4_address": str(fixed(network.subnet)), "aliases": aliases}
        if self.control:
            found[self.control.key] = {}
        return found

    def kept_links(self, client: str) -> list[Pair]:
        """The `links` of a client that stay: an alias of a dependency would answer before any network does."""
        if self.mode == "strict":
            return []
        return [one for one in self.project.services[client].links if (client, one[0]) not in self.edge_networks]


def lay_out(project: ComposeProject, edges: Sequence[Edge], *, mode: str, subnets: Subnets, control: bool) -> Plan:
    """The plan for these edges. Raises ComposeFileError where the project does not allow it, StartError when no subnet
    is left.
    """
    pairs = pair_names(edges)
    for client, service in pairs:
        _must_be_borne(project, client, service, mode)
    dialled = sorted({service for _, service in pairs}) if mode == "strict" else []
    prefixes = [
        *(prefix_for(project.services[client].replicas) for client, _ in pairs),
        *(prefix_for(project.services[service].replicas + 1) for service in dialled),
        *([SMALLEST] if control else []),
    ]
    own = [subnet for network in project.networks.values() for subnet in network.subnets]
    given = iter(subnets.allot(prefixes, but=own))
    taken = set(project.networks)
    edge_networks = {}
    for (client, service), name in pairs.items():
        edge_networks[client, service] = _network(project, client, f"hx-{name}", next(given), taken, ranged=True)
        _must_come_first(project, client, edge_networks[client, service])
    upstream_networks = {
        service: _network(project, service, f"hx-up-{service}", next(given), taken) for service in dialled
    }
    meeting = {} if mode == "strict" else _meeting(project, sorted({service for _, service in pairs}))
    return Plan(
        project=project,
        mode=mode,
        edge_networks=edge_networks,
        upstream_networks=upstream_networks,
        meeting=meeting,
        own_addresses={key: at for key in sorted(set(meeting.values())) if (at := _own_address(project, key))},
        control=OurNetwork(_free("hx-ctl", taken), f"00aa-hx-{project.name}-ctl", next(given)) if control else None,
        config_key="hx-proxies",
    )


def _free(key: str, taken: set[str]) -> str:
    while key in taken:
        key += "-"
    taken.add(key)
    return key


def _of(project: ComposeProject, service: str) -> list[ComposeNetwork]:
    return [project.networks[one.network] for one in project.services[service].networks]


def _network(
    project: ComposeProject, whose: str, key: str, subnet: IPv4Network, taken: set[str], ranged: bool = False
) -> OurNetwork:
    """A network that is as open, and speaks as much, as the best of a service's own."""
    own = _of(project, whose)
    key = _free(key, taken)
    return OurNetwork(
        key=key,
        name=f"00hx-{project.name}-{key.removeprefix('hx-')}",
        subnet=subnet,
        internal=all(network.internal for network in own),
        dual_stack=any(network.enable_ipv6 for network in own),
        ranged=ranged,
    )


def _must_come_first(project: ComposeProject, client: str, ours: OurNetwork) -> None:
    for own in _of(project, client):
        if (own.enable_ipv6, own.internal) == (
            ours.dual_stack,
            ours.internal,
        ) and own.name.encode() < ours.name.encode():
            raise ComposeFileError(
                f"networks.{own.key}: its name {own.name!r} comes before {ours.name!r}, so it would answer first and "
                f"{client} would pass Toxiproxy by; give it a `name:` that begins with a letter"
            )


def _must_be_borne(project: ComposeProject, client: str, service: str, mode: str) -> None:
    if not names_of(project, client, service):
        raise ComposeFileError(f"{client} -> {service}: no name at {client} means {service} alone; leave this edge out")
    shared = sorted(name for name, others in shared_names(project, client).items() if service in others)
    if shared and mode == "strict":
        raise ComposeFileError(
            f"{client} -> {service}: {', '.join(shared)} means several services, so in strict mode it would mean none; "
            "use soft mode"
        )


def _meeting(project: ComposeProject, services: Iterable[str]) -> dict[str, str]:
    """The network of each dependency that Toxiproxy joins: few, and where it can be none with fixed addresses."""
    found: dict[str, str] = {}
    for service in services:
        found[service] = min(
            (one.network for one in project.services[service].networks),
            key=lambda key: (
                bool(_fixed_on(project, key)),
                project.networks[key].external,
                key not in found.values(),
                key,
            ),
        )
    return found


def _fixed_on(project: ComposeProject, key: str) -> set[str]:
    return {
        one.ipv4 for service in project.services.values() for one in service.networks if one.network == key and one.ipv4
    }


def _own_address(project: ComposeProject, key: str) -> str:
    """Where others have fixed addresses Toxiproxy takes one too, from the end, so as not to be given theirs."""
    in_use = _fixed_on(project, key)
    for text in project.networks[key].subnets if in_use else ():
        subnet = ip_network(text, strict=False)
        if isinstance(subnet, IPv4Network):
            for number in range(2, min(subnet.num_addresses - 2, 256)):  # the last is often a gateway
                address = str(subnet.broadcast_address - number)
                if address not in in_use:
                    return address
    return ""
