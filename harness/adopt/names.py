"""Names: what a service's container is called on its networks, and whom each name means to a given client.

Measured with Engine 20.10: link aliases answer first, then the client's networks in a fixed order (dual-stack before
IPv4-only, open before internal, then by actual name, bytewise), and the first network that knows a name answers alone.
Case does not count. Each name also resolves as `<name>.<actual name of the network>`. A container's short id resolves
too, but nobody can know it beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.adopt.project import Attachment, ComposeNetwork, ComposeProject, ComposeService
from harness.errors import ComposeFileError


def owner(project: ComposeProject, service: str) -> str:
    """The service whose network this one lives in: itself, or what `network_mode: service:` leads to at last."""
    seen = [service]
    while project.services[seen[-1]].network_mode.startswith("service:"):
        other = project.services[seen[-1]].network_mode.removeprefix("service:")
        if other in seen or other not in project.services:
            raise ComposeFileError(f"services.{seen[-1]}.network_mode: {other!r} has no network of its own to share")
        seen.append(other)
    return seen[-1]


def tenants(project: ComposeProject, service: str) -> tuple[str, ...]:
    """All services that live in the network of this one, itself first."""
    return (service, *sorted(n for n in project.services if n != service and owner(project, n) == service))


def networks_in_order(project: ComposeProject, service: str) -> list[ComposeNetwork]:
    """The networks of a service in the order in which they answer for a name."""
    attached = [project.networks[one.network] for one in project.services[service].networks]
    return sorted(attached, key=lambda n: (not n.enable_ipv6, n.internal, n.name.encode()))


def whom(project: ComposeProject, client: str) -> Mapping[str, tuple[str, ...]]:
    """Each name, in lower case, that resolves at a client, with the services that answer to it, sorted.

    No service: /etc/hosts answers (extra_hosts). Several: they take turns, and Toxiproxy cannot stand for one of them.
    """
    found: dict[str, tuple[str, ...]] = {name.lower(): () for name in project.services[client].extra_hosts}
    order = networks_in_order(project, client)
    bare: list[dict[str, set[str]]] = []
    for network in order:
        here: dict[str, set[str]] = {}
        for service in project.services.values():
            for attachment in service.networks:
                if attachment.network == network.key:
                    for name in _names_on(project, service, attachment):
                        here.setdefault(name.lower(), set()).add(service.name)
        bare.append(here)
    for alias, service_name in _link_aliases(project, client):
        shared = [n for n in order if n.key in {a.network for a in project.services[service_name].networks}]
        if shared:
            found.setdefault(alias.lower(), (service_name,))
            for network in shared:
                found.setdefault(f"{alias}.{network.name}".lower(), (service_name,))
    for here in bare:
        for name, services in here.items():
            found.setdefault(name, tuple(sorted(services)))
    for network, here in zip(order, bare, strict=True):
        for name, services in here.items():
            found.setdefault(f"{name}.{network.name}".lower(), tuple(sorted(services)))
    return found


def names_of(project: ComposeProject, client: str, service: str) -> tuple[str, ...]:
    """Every name under which the client reaches this service and no other, sorted."""
    return tuple(sorted(name for name, services in whom(project, client).items() if services == (service,)))


def shared_names(project: ComposeProject, client: str) -> Mapping[str, tuple[str, ...]]:
    """Names without a network's name in them that mean several services to a client: nobody can bear those."""
    qualified = tuple(f".{network.name}".lower() for network in networks_in_order(project, client))
    return {
        name: services
        for name, services in whom(project, client).items()
        if len(services) > 1 and not name.endswith(qualified)
    }


def _numbered(project: ComposeProject, service: ComposeService) -> tuple[str, ...]:
    if service.container_name:
        return (service.container_name,)
    return tuple(f"{project.name}-{service.name}-{n}" for n in range(1, max(service.replicas, 1) + 1))


def _names_on(project: ComposeProject, service: ComposeService, attachment: Attachment) -> tuple[str, ...]:
    hostname = (service.hostname,) if service.hostname else ()
    return (service.name, *_numbered(project, service), *hostname, *attachment.aliases)


def _link_aliases(project: ComposeProject, client: str) -> list[tuple[str, str]]:
    """What the links of a client make resolve: the alias, and each container with its number, which Compose adds."""
    found = []
    for name, alias in project.services[client].links:
        if name in project.services:
            service = project.services[name]
            numbers = () if service.container_name else range(1, max(service.replicas, 1) + 1)
            given = (alias, *(f"{name}-{n}" for n in numbers), *_numbered(project, service))
            found += [(one, name) for one in given]
    return found
