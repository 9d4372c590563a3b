"""Reads docker-compose.yml and its x-harness: what the stack is made of, whoever runs it.

Compose says what the services are; x-harness adds only what Compose has no word for: where the load goes (`entry`),
the links through Toxiproxy (`links`), which service is Toxiproxy, and how a service starts as a plain process.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import ComposeFileError, one_of
from harness.masking import shown
from harness.stack import compose_yaml
from harness.stack.compose_disks import bounded_volumes, disks_of
from harness.stack.compose_mounts import Mount, mounts_of
from harness.stack.compose_variables import interpolate, variables_in
from harness.stack.own import OUTPOST, with_webhook


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service of the Compose file. `command` and `port` are empty where it has no plain process.

    `disks` are its file systems of bounded size (compose_disks.py): where it has them, and how many bytes they hold.
    `is_job`: others wait until it is done. `mounts` is what a plain process finds as files and folders
    (compose_mounts.py). `without`: its command may be missing, and others get this in their environments then.
    """

    name: str
    image: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    port: int = 0
    port_variable: str = ""
    ready: str = ""
    disks: Mapping[str, int] = field(default_factory=dict)
    is_job: bool = False
    mounts: Mapping[str, Mount] = field(default_factory=dict)
    without: Mapping[str, Mapping[str, str]] | None = None

    @property
    def is_postgres(self) -> bool:
        """Its image is PostgreSQL, so that the embedded stack knows how to run it."""
        return self.image.rsplit("/", 1)[-1].split(":")[0] in ("postgres", "postgresql")


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """A link: the client meets it at Toxiproxy's port `listen` (0 where networks lead it there), and it leads to the
    service's port `upstream`. `tap`: a tap stands there instead, and leads to Toxiproxy."""

    name: str
    client: str
    service: str
    listen: int
    upstream: int
    tap: bool = False


@dataclass(frozen=True, slots=True)
class StackSpec:
    """The whole stack. `entry_service` and `entry_port` are where the load goes.

    `variables` are those that the services' environments refer to (`${WEAKNESS:-}`), with the values that they have,
    those of secrets kept out.
    `files` are the project's own; `mode` is soft or strict where Toxiproxy is put between the services by networks, ""
    where the project has a Toxiproxy of its own; `ports` are then all that services are known to listen on.
    `take_over`: the user's own running copy may be stopped for the time.
    `alerts` is the variable that tells the stack where to post its alerts; the harness gives it, where it is not set.
    `given` are all the variables that the files were read with, for Compose; None: those of our environment.
    """

    path: Path
    name: str
    services: Mapping[str, ServiceSpec]
    links: Mapping[str, LinkSpec]
    toxiproxy: str
    entry_service: str
    entry_port: int
    variables: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    mode: str = ""
    ports: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    take_over: bool = False
    alerts: str = ""
    given: Mapping[str, str] | None = None

    @property
    def tapped(self) -> tuple[LinkSpec, ...]:
        """The links that have a tap."""
        return tuple(link for link in self.links.values() if link.tap)

    def start_order(self) -> list[ServiceSpec]:
        """Services after those that they depend on. Raises ComposeFileError on a circle."""
        order: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise ComposeFileError(f"{self.path}: depends_on goes in a circle: {' -> '.join([*path, name])}")
            if name not in order:
                for needed in self.services[name].depends_on:
                    visit(needed, (*path, name))
                order.append(name)

        for name in sorted(self.services):
            visit(name, ())
        return [self.services[name] for name in order]


def has_processes(path: Path) -> bool:
    """Whether its x-harness says how services run as plain processes. It may where the file has a mistake, and does not
    where it cannot be read."""
    try:
        return bool(_mapping(path, "x-harness", compose_yaml.read(path).get("x-harness")).get("processes"))
    except ComposeFileError:
        pass
    try:
        return "x-harness" in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def read_compose_file(path: Path, variables: Mapping[str, str] | None = None) -> StackSpec:
    """The stack that a Compose file describes. Raises ComposeFileError, naming file and key, when it cannot be run."""
    document = compose_yaml.read(path)
    given = os.environ if variables is None else variables
    extension = _mapping(path, "x-harness", document.get("x-harness"))
    alerts = str(extension.get("alerts") or "")
    environment = with_webhook(given, alerts, OUTPOST)
    if not extension:
        raise ComposeFileError(f"{path} has no x-harness; it must say at least the entry and the links (docs/stack.md)")
    named = _mapping(path, "services", document.get("services"))
    processes = _mapping(path, "x-harness.processes", extension.get("processes"))
    for name in processes:
        if name not in named:
            raise ComposeFileError(f"{path}: x-harness.processes: {one_of('service', name, named, where=path.name)}")
    bounded = bounded_volumes(_mapping(path, "volumes", document.get("volumes")))
    services = {
        name: _service(path, name, _mapping(path, f"services.{name}", body), processes.get(name), environment, bounded)
        for name, body in named.items()
    }
    configs = _mapping(path, "configs", document.get("configs"))
    for service in services.values():
        if service.command:
            mounts = mounts_of(path, named[service.name], configs, environment)
            services[service.name] = replace(service, mounts=mounts)
        for other in service.without or ():
            _known(path, f"x-harness.processes.{service.name}.without", other, services)
        for needed in service.depends_on:
            _known(path, f"services.{service.name}.depends_on", needed, services)
    toxiproxy = str(extension.get("toxiproxy", "toxiproxy"))
    links, entry_service, entry_port = read_links(path, extension, services)
    return StackSpec(
        path=path,
        name=str(document.get("name", path.resolve().parent.name)),
        services=services,
        links=links,
        toxiproxy=toxiproxy,
        entry_service=entry_service,
        entry_port=entry_port,
        files=(path,),
        variables=shown(variables_in(document, given), (one.environment for one in services.values())),
        alerts=alerts,
    )


def read_links(
    path: Path, extension: Mapping[str, Any], services: Mapping[str, object], *, by_networks: bool = False
) -> tuple[dict[str, LinkSpec], str, int]:
    """(links by name, the service and the port that the load goes to) of an x-harness. Raises ComposeFileError."""
    links = {
        name: _link(path, name, _mapping(path, f"x-harness.links.{name}", body), services, by_networks)
        for name, body in _mapping(path, "x-harness.links", extension.get("links")).items()
    }
    service, _, port = str(extension.get("entry", "")).rpartition(":")
    _known(path, "x-harness.entry", service, services)
    return links, service, _port(path, "x-harness.entry", port)


def read_ports(path: Path, extension: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """All ports that an x-harness says services listen on, by service. Raises ComposeFileError."""
    found = {}
    for name, given in _mapping(path, "x-harness.ports", extension.get("ports")).items():
        key = f"x-harness.ports.{name}"
        if not isinstance(given, list):
            raise ComposeFileError(f"{path}: {key} must be a list, as in [8000]; given {given!r}")
        found[name] = tuple(_port(path, key, port) for port in given)
    return found


def _mapping(path: Path, key: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ComposeFileError(f"{path}: {key} must be a mapping; given {value!r}")
    return {str(name): body for name, body in value.items()}


def _known(path: Path, key: str, name: str, services: Mapping[str, object]) -> None:
    if name not in services:
        raise ComposeFileError(f"{path}: {key}: {one_of('service', name, services, where=path.name)}")


def _port(path: Path, key: str, value: object) -> int:
    try:
        port = int(str(value))
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise ComposeFileError(f"{path}: {key} needs a port from 1 to 65535, as in api:8000; given {value!r}")
    return port


def _scalar(value: object) -> str:
    """As Compose writes it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _service(
    path: Path,
    name: str,
    body: dict[str, Any],
    process: object,
    variables: Mapping[str, str],
    bounded: Mapping[str, int],
) -> ServiceSpec:
    given = body.get("environment") or {}
    if isinstance(given, list):
        parts = [str(item).partition("=") for item in given]
        given = {key: value if is_set else None for key, is_set, value in parts}
    environment = {
        key: variables.get(key) if value is None else interpolate(_scalar(value), variables)  # null: from the shell
        for key, value in _mapping(path, f"services.{name}.environment", given).items()
    }
    how = _mapping(path, f"x-harness.processes.{name}", process)
    command = how.get("command") or []
    if not isinstance(command, str | list):
        raise ComposeFileError(f"{path}: x-harness.processes.{name}.command must be a list; given {command!r}")
    try:
        words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    except ValueError as error:
        raise ComposeFileError(f"{path}: x-harness.processes.{name}.command: {error}; given {command!r}") from error
    return ServiceSpec(
        name=name,
        image=interpolate(str(body.get("image", "")), variables),
        environment={key: value for key, value in environment.items() if value is not None},
        depends_on=tuple(body.get("depends_on") or ()),
        command=tuple(words),
        port=_port(path, f"x-harness.processes.{name}.port", how["port"]) if "port" in how else 0,
        port_variable=str(how.get("port_variable", "")),
        ready=str(how.get("ready", "")),
        disks=disks_of(body, bounded),
        without=_without(path, name, how, variables) if "without" in how else None,
    )


def _without(path: Path, name: str, how: dict[str, Any], variables: Mapping[str, str]) -> dict[str, dict[str, str]]:
    key = f"x-harness.processes.{name}.without"
    return {
        other: {k: interpolate(_scalar(v), variables) for k, v in _mapping(path, f"{key}.{other}", body).items()}
        for other, body in _mapping(path, key, how["without"]).items()
    }


def _link(path: Path, name: str, body: dict[str, Any], services: Mapping[str, object], by_networks: bool) -> LinkSpec:
    key = f"x-harness.links.{name}"
    for side in ("client", "service"):
        _known(path, f"{key}.{side}", str(body.get(side, "")), services)
    return LinkSpec(
        name=name,
        client=str(body["client"]),
        service=str(body["service"]),
        listen=0 if by_networks else _port(path, f"{key}.listen", body.get("listen")),
        upstream=_port(path, f"{key}.port", body.get("port"))
        if by_networks
        else _port(path, f"{key}.upstream", body.get("upstream")),
        tap=body.get("tap") == "http",
    )
