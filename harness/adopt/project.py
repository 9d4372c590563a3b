"""A Compose project as Compose itself resolves it: the JSON of `docker compose config --format json`, in types.

Compose has already put in variables, merged files, extended services and left out what no profile asks for, so nothing
of that is done again here. It writes `$` as `$$`; here a dollar sign is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.adopt.narrow import Where, mapping, number, ports, published, sequence, text, undollar
from harness.errors import ComposeFileError, one_of


@dataclass(frozen=True, slots=True)
class Attachment:
    """A service on a network (the key, not the actual name). Addresses are empty where they are not fixed."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4: str = ""
    ipv6: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """How one service depends on another. `restart`: it restarts with it, as links imply it."""

    condition: str = "service_started"
    restart: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class ComposeService:
    """A service. `words` are those of entrypoint and command, `depends_on` how by service, `links` pairs of service
    and alias, ports those of the container (exposed or published), `extra_hosts` addresses by name.
    """

    name: str
    image: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    depends_on: Mapping[str, Dependency] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()
    external_links: tuple[str, ...] = ()
    tcp_ports: tuple[int, ...] = ()
    udp_ports: tuple[int, ...] = ()
    published_ports: tuple[int, ...] = ()
    networks: tuple[Attachment, ...] = ()
    network_mode: str = ""
    container_name: str = ""
    hostname: str = ""
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 1


@dataclass(frozen=True, slots=True)
class ComposeNetwork:
    """A network. `name` is the actual one, `subnets` are those that the file fixes, as in `10.0.0.0/24`.

    Of an external one the file says no more than the name: who can ask the daemon replaces `internal`, `enable_ipv6`,
    `driver` and `subnets` with what is true there.
    """

    key: str
    name: str
    internal: bool = False
    enable_ipv6: bool = False
    external: bool = False
    driver: str = ""
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SaidLink:
    """A link that the user's own x-harness says."""

    client: str
    service: str
    port: int


@dataclass(frozen=True, slots=True)
class ComposeProject:
    """The whole project, by the keys of its file. `said` are the links of the user's x-harness."""

    name: str
    services: Mapping[str, ComposeService]
    networks: Mapping[str, ComposeNetwork] = field(default_factory=dict)
    said: tuple[SaidLink, ...] = ()


def parse(resolved: str) -> ComposeProject:
    """The project that `docker compose config --format json` printed. Raises ComposeFileError when that is none."""
    try:
        document = json.loads(resolved)
    except json.JSONDecodeError as error:
        raise ComposeFileError(f"`docker compose config --format json` printed no JSON: {error}") from error
    top = mapping(Where("the project"), document)
    name = text(top.get("name"))
    bodies = mapping(Where("services"), top.get("services"))
    if not name or not bodies:
        raise ComposeFileError(
            f"the resolved project has no {'services' if name else 'name'}; give its files, and the profiles whose "
            "services are wanted in $COMPOSE_PROFILES"
        )
    networks = {key: _network(key, body) for key, body in mapping(Where("networks"), top.get("networks")).items()}
    services = {key: _service(key, body) for key, body in bodies.items()}
    for service in services.values():
        for attachment in service.networks:
            if attachment.network not in networks:
                where = f"services.{service.name}.networks"
                raise ComposeFileError(f"{where}: {one_of('network', attachment.network, networks)}")
    extension = mapping(Where("x-harness"), top.get("x-harness"))
    return ComposeProject(
        name=name,
        services=services,
        networks=networks,
        said=tuple(_said(mapping(Where("x-harness.links"), extension.get("links")), services)),
    )


def _network(key: str, body: object) -> ComposeNetwork:
    where = Where("networks", key)
    given = mapping(where, body)
    ipam = mapping(where.at("ipam"), given.get("ipam"))
    pools = [mapping(where.at("ipam.config"), pool) for pool in sequence(where.at("ipam.config"), ipam.get("config"))]
    return ComposeNetwork(
        key=key,
        name=text(given.get("name")) or key,
        internal=given.get("internal") is True,
        enable_ipv6=given.get("enable_ipv6") is True,
        external=bool(given.get("external")),
        driver=text(given.get("driver")),
        subnets=tuple(subnet for pool in pools if (subnet := text(pool.get("subnet")))),
    )


def _service(name: str, body: object) -> ComposeService:
    where = Where("services", name)
    given = mapping(where, body)
    deploy = mapping(where.at("deploy"), given.get("deploy"))
    depends_on = mapping(where.at("depends_on"), given.get("depends_on"))
    tcp, udp = ports(where, given)
    return ComposeService(
        name=name,
        image=text(given.get("image")),
        environment={
            key: undollar(text(value))
            for key, value in mapping(where.at("environment"), given.get("environment")).items()
            if value is not None
        },
        words=(*_words(where.at("entrypoint"), given), *_words(where.at("command"), given)),
        depends_on={other: _dependency(mapping(where.at("depends_on"), how)) for other, how in depends_on.items()},
        links=tuple(_pair(link) for link in _texts(where.at("links"), given)),
        external_links=_texts(where.at("external_links"), given),
        tcp_ports=tcp,
        published_ports=published(where, given),
        udp_ports=udp,
        networks=tuple(
            _attachment(where, key, body) for key, body in mapping(where.at("networks"), given.get("networks")).items()
        ),
        network_mode=text(given.get("network_mode")),
        container_name=text(given.get("container_name")),
        hostname=text(given.get("hostname")),
        extra_hosts=_extra_hosts(where.at("extra_hosts"), given.get("extra_hosts")),
        replicas=number(where, given.get("scale", deploy.get("replicas", 1))),
    )


def _dependency(given: Mapping[str, object]) -> Dependency:
    return Dependency(
        condition=text(given.get("condition")) or "service_started",
        restart=given.get("restart") is True,
        required=given.get("required") is not False,
    )


def _attachment(where: Where, key: str, body: object) -> Attachment:
    at = where.at(f"networks.{key}")
    given = mapping(at, body)
    return Attachment(
        network=key,
        aliases=_texts(at.at("aliases"), given),
        ipv4=text(given.get("ipv4_address")),
        ipv6=text(given.get("ipv6_address")),
    )


def _texts(where: Where, given: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(undollar(text(one)) for one in sequence(where, given.get(where.last)))


def _words(where: Where, given: Mapping[str, object]) -> tuple[str, ...]:
    value = given.get(where.last)
    return (undollar(value),) if isinstance(value, str) else _texts(where, given)


def _pair(link: str) -> tuple[str, str]:
    service, _, alias = link.partition(":")
    return service, alias or service


def _extra_hosts(where: Where, value: object) -> dict[str, str]:
    """A list of `name=address` (or `name:address`, as older ones print it), or a mapping."""
    if isinstance(value, Mapping):
        return {name: text(sequence(where, to)[0]) if isinstance(to, list) else text(to) for name, to in value.items()}
    found = {}
    for line in sequence(where, value):
        host = text(line)
        name, _, address = host.partition("=" if "=" in host else ":")
        found[name] = address
    return found


def _said(links: Mapping[str, object], services: Mapping[str, ComposeService]) -> Iterable[SaidLink]:
    for name, body in links.items():
        where = Where("x-harness.links", name)
        given = mapping(where, body)
        if "port" not in given:  # the form of a stack that leads its links through Toxiproxy itself
            continue
        for side in ("client", "service"):
            if text(given.get(side)) not in services:
                raise ComposeFileError(f"{where}.{side}: {one_of('service', text(given.get(side)), services)}")
        port = number(where.at("port"), given["port"])
        if not 0 < port < 65536:
            raise ComposeFileError(f"{where}.port must be from 1 to 65535; given {port}")
        yield SaidLink(text(given["client"]), text(given["service"]), port)
