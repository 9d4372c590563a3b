"""What an x-harness says of links and ports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import ComposeFileError, one_of
from harness.stack.compose_parts import known, mapping, port_of
from harness.stack.compose_taps import has_tap
from harness.stack.compose_variables import names_in
from harness.stack.own import OWN_PORTS
from harness.stack.spec import LinkSpec, ServiceSpec

KEYS = ("alerts", "entry", "links", "mode", "ports", "processes", "toxiproxy")
KEYS_OF_A_LINK: tuple[str, ...] = ("client", "listen", "port", "service", "tap", "upstream")
KEYS_OF_A_PROCESS: tuple[str, ...] = ("command", "port", "port_variable", "ready", "without")


def refuse_unknown_keys(path: Path, extension: Mapping[str, Any]) -> None:
    """Raise ComposeFileError for the first key that an x-harness does not know, so that none is misspelt and idle."""
    levels: list[tuple[str, object, tuple[str, ...]]] = [("x-harness", extension, KEYS)]
    for key, inside in (("links", KEYS_OF_A_LINK), ("processes", KEYS_OF_A_PROCESS)):
        bodies = mapping(path, f"x-harness.{key}", extension.get(key))
        levels += [(f"x-harness.{key}.{name}", body, inside) for name, body in bodies.items()]
    for where, body, allowed in levels:
        for name in mapping(path, where, body):
            if name not in allowed and not name.startswith("x-"):
                raise ComposeFileError(f"{path}: {where}: {one_of('key', name, allowed)}")


def read_links(
    path: Path, extension: Mapping[str, Any], services: Mapping[str, ServiceSpec], *, by_networks: bool = False
) -> tuple[dict[str, LinkSpec], str, int]:
    """(links by name, the service and the port that the load goes to) of an x-harness. Raises ComposeFileError."""
    refuse_unknown_keys(path, extension)
    links = {
        name: _link(path, name, mapping(path, f"x-harness.links.{name}", body), services, by_networks)
        for name, body in mapping(path, "x-harness.links", extension.get("links")).items()
    }
    service, _, port = str(extension.get("entry", "")).rpartition(":")
    known(path, "x-harness.entry", service, services)
    return links, service, port_of(path, "x-harness.entry", port)


def read_process_ports(path: Path, extension: Mapping[str, Any]) -> dict[str, int]:
    """The port of each service of which an x-harness says one in `processes`. Raises ComposeFileError."""
    bodies = mapping(path, "x-harness.processes", extension.get("processes"))
    return {
        name: port_of(path, f"x-harness.processes.{name}.port", body["port"])
        for name, body in bodies.items()
        if isinstance(body, dict) and "port" in body
    }


def read_ports(path: Path, extension: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """All ports that an x-harness says services listen on, by service. Raises ComposeFileError."""
    found = {}
    for name, given in mapping(path, "x-harness.ports", extension.get("ports")).items():
        key = f"x-harness.ports.{name}"
        if not isinstance(given, list):
            raise ComposeFileError(f"{path}: {key} must be a list, as in [8000]; given {given!r}")
        found[name] = tuple(port_of(path, key, port) for port in given)
    return found


def variable_of_alerts(path: Path, extension: Mapping[str, Any], *documents: Mapping[str, Any]) -> str:
    """The variable that tells the stack where to post its alerts; "" where an x-harness names none. Raises
    ComposeFileError where nothing in the documents refers to it."""
    name = extension.get("alerts")
    if name is None:
        return ""
    if not isinstance(name, str) or not any(name in names_in(str(document)) for document in documents):
        raise ComposeFileError(
            f"{path}: x-harness.alerts must be a variable that the Compose file refers to, as in "
            f"url: ${{ALERT_WEBHOOK_URL}} and alerts: ALERT_WEBHOOK_URL; given {name!r}"
        )
    return name


def _link(
    path: Path, name: str, body: dict[str, Any], services: Mapping[str, ServiceSpec], by_networks: bool
) -> LinkSpec:
    key = f"x-harness.links.{name}"
    for side in ("client", "service"):
        known(path, f"{key}.{side}", str(body.get(side, "")), services)
    behind = "port" if by_networks else "upstream"
    upstream = port_of(path, f"{key}.{behind}", body.get(behind))
    service = services[str(body["service"])]
    listen = 0 if by_networks else port_of(path, f"{key}.listen", body.get("listen"))
    if OWN_PORTS[0] <= (upstream if by_networks else listen) <= OWN_PORTS[-1]:
        raise ComposeFileError(
            f"{path}: {key}: the ports {OWN_PORTS[0]} to {OWN_PORTS[-1]} in Toxiproxy's container are the harness's; "
            "let the link listen on another"
        )
    return LinkSpec(
        name=name,
        client=str(body["client"]),
        service=service.name,
        listen=listen,
        upstream=upstream,
        tap=has_tap(f"{path}: {key}", body.get("tap"), service, upstream, by_itself=by_networks),
        tap_asked=bool(body.get("tap")),
    )
