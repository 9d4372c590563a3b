"""Puts Toxiproxy on the links of somebody's project for one run, with subnets that are free now."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.adopt.edges import Edge
from harness.adopt.override import render
from harness.adopt.project import ComposeProject, parse
from harness.adopt.subnets import Subnets
from harness.adopt.yaml_text import Node
from harness.errors import StartError
from harness.stack.docker.engine import Engine
from harness.stack.docker.isolation import own_network
from harness.stack.spec import StackSpec

TOXIPROXY_IMAGE = "ghcr.io/shopify/toxiproxy:2.12.0"


def toxiproxy_image() -> str:
    """$TOXIPROXY_IMAGE, else the official one."""
    return os.environ.get("TOXIPROXY_IMAGE") or TOXIPROXY_IMAGE


def free_subnets(engine: Engine) -> Subnets:
    """What neither the engine's networks nor this machine's routes use."""
    return Subnets((*engine.subnets(), *_routes()), secrets.randbelow(2**31))


def interpose(
    spec: StackSpec, resolved: Mapping[str, Any], engine: Engine, ports: Mapping[int, int], labels: Mapping[str, str]
) -> Mapping[str, Node]:
    """The override that leads every link of the spec through Toxiproxy, of which `ports` are published: each inside,
    and on the loopback.

    Raises HarnessError where that cannot be.
    """
    project = with_its_own(parse(json.dumps(resolved)))
    links = {name: Edge(link.client, link.service, link.upstream) for name, link in spec.links.items()}
    return render(
        project,
        links,
        mode=spec.mode,
        subnets=free_subnets(engine),
        toxiproxy_image=toxiproxy_image(),
        toxiproxy_service=spec.toxiproxy,
        published=ports,
        known_ports=spec.ports,
        labels=labels,
    ).document


def with_its_own(project: ComposeProject) -> ComposeProject:
    """The project with the networks that its copy has (isolation.py)."""
    networks = {
        key: replace(one, name=own_network(project.name, key), external=False) for key, one in project.networks.items()
    }
    return replace(project, networks=networks)


def with_external(project: ComposeProject, engine: Engine) -> ComposeProject:
    """The project with what only the engine knows of networks that somebody else made. Raises StartError."""
    networks = dict(project.networks)
    there = {one["Name"]: one for one in engine.networks()} if any(one.external for one in networks.values()) else {}
    for key, one in networks.items():
        if one.external:
            if one.name not in there:
                raise StartError(
                    f"the external network {one.name} is not there; make it: docker network create {one.name}"
                )
            body = there[one.name]
            networks[key] = replace(
                one,
                internal=bool(body["Internal"]),
                enable_ipv6=bool(body["EnableIPv6"]),
                driver=str(body["Driver"]),
                subnets=tuple(pool["Subnet"] for pool in body["IPAM"].get("Config") or () if "Subnet" in pool),
            )
    return replace(project, networks=networks)


def _routes() -> tuple[str, ...]:
    try:
        lines = Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return ()
    found = []
    for line in lines:
        fields = line.split()
        bits = bin(int(fields[7], 16)).count("1")
        if bits:
            found.append(".".join(str(byte) for byte in bytes.fromhex(fields[1])[::-1]) + f"/{bits}")
    return tuple(found)
