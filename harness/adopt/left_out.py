"""What cannot be led through Toxiproxy, each with its reason and, where there is one, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from harness.adopt.evidence import Mention
from harness.adopt.names import names_of, tenants
from harness.adopt.project import ComposeProject

PORTS_MAX = 16
"""More links than that between two services are nobody's question."""

_OWN = ("localhost", "0.0.0.0", "::", "::1", "ip6-localhost")
_TRIED_DRIVERS = ("", "bridge")
_MODES = {
    "host": "it uses the host's own network, where the names of the stack do not reach it",
    "none": "it has no network",
    "bridge": "it is on Docker's default bridge, which knows no names",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that looked like a link or a client of links, and why it does not run through Toxiproxy."""

    what: str
    why: str


def at_client(project: ComposeProject, client: str) -> list[LeftOut]:
    """What no edge of a client can be: its network is not one of the project's, or a link leads out of the project."""
    found = []
    mode = project.services[client].network_mode
    if mode.startswith("container:"):
        found.append(LeftOut(client, f"it lives in the network of {mode}, which is not of this project"))
    elif mode in _MODES:
        found.append(LeftOut(client, f"{_MODES[mode]} (network_mode: {mode})"))
    elif mode and not mode.startswith("service:") and not project.services[client].networks:
        found.append(LeftOut(client, f"network_mode: {mode} was never tried"))
    for name in tenants(project, client):
        for link in project.services[name].external_links:
            found.append(LeftOut(f"{name} -> {link}", "external_links lead to a container outside the project"))
    return found


def between(project: ComposeProject, client: str, service: str, ports: list[int], udp: list[int]) -> list[LeftOut]:
    """Why a client's connections to a service cannot be led through Toxiproxy; empty when they can.

    `ports` are the TCP ports that are known to be dialled, `udp` the UDP ports that may be.
    """
    what = f"{client} -> {service}"
    owned = project.services[service]
    if not owned.networks:
        mode = owned.network_mode or "none"
        why = _MODES.get(mode, f"it lives in the network of {mode}, which is not of this project")
        return [LeftOut(what, f"{service}: {why}")]
    shared = {a.network for a in project.services[client].networks} & {a.network for a in owned.networks}
    if not shared:
        return [LeftOut(what, "they share no network, so no connection is possible")]
    for key in sorted(shared):
        driver = project.networks[key].driver
        if driver not in _TRIED_DRIVERS:
            return [
                LeftOut(what, f"they share the network {key} with driver {driver}; only bridge networks were tried")
            ]
    if udp:
        listed = ", ".join(f"{port}/udp" for port in udp if port) or "UDP"
        if not ports:
            return [LeftOut(f"{what} {listed}", "Toxiproxy carries TCP only")]
        why = f"{client} may send {listed} under the same name, and Toxiproxy carries TCP only; "
        return [LeftOut(what, why + "if it does not, say the link in x-harness")]
    if not ports:
        return [LeftOut(what, f"no TCP port of {service} is known; if it is dialled, say it in x-harness")]
    if len(ports) > PORTS_MAX:
        return [LeftOut(what, f"{service} has {len(ports)} TCP ports; say in x-harness which of them are dialled")]
    if not names_of(project, client, service):
        return [LeftOut(what, f"no name at {client} means {service} alone, so none can lead through Toxiproxy")]
    return []


def outside(client: str, mention: Mention, extra_hosts: Mapping[str, str]) -> LeftOut:
    """A host that extra_hosts answers for, before any network is asked."""
    address = {name.lower(): to for name, to in extra_hosts.items()}[mention.host.lower()]
    return LeftOut(
        f"{client} -> {_at(mention)}",
        f"extra_hosts gives its address ({address}), so no network is asked for the name ({mention.source})",
    )


def by_address(project: ComposeProject, client: str, mention: Mention) -> list[LeftOut]:
    """A host that no name stands for which the client can ask: a fixed address of a service, a name of one on a network
    that the client is not on, or somewhere else."""
    host = mention.host.lower()
    if host in _OWN or host.startswith("127."):
        return []
    for name, service in project.services.items():
        if host in {attachment.ipv4 for attachment in service.networks} and name != client:
            why = f"that is the fixed address of {name}, and only names lead through Toxiproxy; use the name"
            return [LeftOut(f"{client} -> {_at(mention)}", f"{why} ({mention.source})")]
        names = {name, service.container_name, *(alias for one in service.networks for alias in one.aliases)}
        if host in {one.lower() for one in names} and name != client:
            why = f"that is {name}, but by this name on no network that {client} is on"
            return [LeftOut(f"{client} -> {_at(mention)}", f"{why} ({mention.source})")]
    if host == "host.docker.internal":
        return [LeftOut(f"{client} -> {_at(mention)}", f"it is on the host, outside the stack ({mention.source})")]
    if mention.form == "url" or (mention.form in ("pair", "host") and _is_full(host)):
        return [LeftOut(f"{client} -> {_at(mention)}", f"it is outside the stack ({mention.source})")]
    return []


def _at(mention: Mention) -> str:
    port = mention.port or mention.default
    return f"{mention.host}:{port}" if port else mention.host


def _is_full(host: str) -> bool:
    """An IP address, or a name with a dot whose last part is letters: no version and no file name with digits."""
    try:
        ip_address(host)
    except ValueError:
        return "." in host and host.rpartition(".")[2].isalpha()
    return True
