"""Reads docker-compose.yml and its x-harness: what the stack is made of, whoever runs it.

Compose says what the services are; x-harness adds only what Compose has no word for: where the load goes (`entry`),
the links through Toxiproxy (`links`), which service is Toxiproxy, and how a service starts as a plain process.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import ComposeFileError, one_of
from harness.masking import shown
from harness.stack import compose_yaml
from harness.stack.compose_disks import bounded_volumes, disks_of
from harness.stack.compose_links import read_links, variable_of_alerts
from harness.stack.compose_mounts import mounts_of
from harness.stack.compose_parts import known, mapping, port_of, scalar
from harness.stack.compose_variables import interpolate, variables_in
from harness.stack.compose_volumes import volumes_of
from harness.stack.own import OUTPOST, with_webhook
from harness.stack.spec import ServiceSpec, StackSpec


def has_processes(path: Path) -> bool:
    """Whether its x-harness says how services run as plain processes. It may where the file has a mistake, and does not
    where it cannot be read."""
    try:
        return bool(mapping(path, "x-harness", compose_yaml.read(path).get("x-harness")).get("processes"))
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
    extension = mapping(path, "x-harness", document.get("x-harness"))
    environment, alerts = with_webhook(given, variable_of_alerts(path, extension, document), OUTPOST)
    if not extension:
        raise ComposeFileError(f"{path} has no x-harness; it must say at least the entry and the links (docs/stack.md)")
    named = mapping(path, "services", document.get("services"))
    processes = mapping(path, "x-harness.processes", extension.get("processes"))
    for name in processes:
        if name not in named:
            raise ComposeFileError(f"{path}: x-harness.processes: {one_of('service', name, named, where=path.name)}")
    bounded = bounded_volumes(mapping(path, "volumes", document.get("volumes")))
    services = {
        name: _service(path, name, mapping(path, f"services.{name}", body), processes.get(name), environment, bounded)
        for name, body in named.items()
    }
    configs = mapping(path, "configs", document.get("configs"))
    for service in services.values():
        if service.command:
            mounts = mounts_of(path, named[service.name], configs, environment)
            services[service.name] = replace(service, mounts=mounts)
        for other in service.without or ():
            known(path, f"x-harness.processes.{service.name}.without", other, services)
        for needed in service.depends_on:
            known(path, f"services.{service.name}.depends_on", needed, services)
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
        key: variables.get(key) if value is None else interpolate(scalar(value), variables)  # null: from the shell
        for key, value in mapping(path, f"services.{name}.environment", given).items()
    }
    how = mapping(path, f"x-harness.processes.{name}", process)
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
        port=port_of(path, f"x-harness.processes.{name}.port", how["port"]) if "port" in how else 0,
        port_variable=str(how.get("port_variable", "")),
        ready=str(how.get("ready", "")),
        disks=disks_of(body, bounded),
        volumes=volumes_of(path, name, body, bounded, variables),
        without=_without(path, name, how, variables) if "without" in how else None,
    )


def _without(path: Path, name: str, how: dict[str, Any], variables: Mapping[str, str]) -> dict[str, dict[str, str]]:
    key = f"x-harness.processes.{name}.without"
    return {
        other: {k: interpolate(scalar(v), variables) for k, v in mapping(path, f"{key}.{other}", body).items()}
        for other, body in mapping(path, key, how["without"]).items()
    }
