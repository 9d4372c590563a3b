"""Puts Toxiproxy on the links of somebody's project for one run, with subnets that are free now."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.adopt.edges import Edge
from harness.adopt.override import Override, render
from harness.adopt.project import parse
from harness.adopt.subnets import Subnets
from harness.stack.compose_file import StackSpec
from harness.stack.docker.engine import Engine

TOXIPROXY_IMAGE = "ghcr.io/shopify/toxiproxy:2.12.0"


def toxiproxy_image() -> str:
    """$TOXIPROXY_IMAGE, else the official one."""
    return os.environ.get("TOXIPROXY_IMAGE") or TOXIPROXY_IMAGE


def free_subnets(engine: Engine) -> Subnets:
    """What neither the engine's networks nor this machine's routes use."""
    used = [
        one["Subnet"]
        for network in engine.networks()
        for one in (network["IPAM"].get("Config") or ())
        if "Subnet" in one
    ]
    return Subnets(tuple(used) + _routes(), secrets.randbelow(2**31))


def interpose(
    spec: StackSpec, resolved: Mapping[str, Any], engine: Engine, api_port: int, labels: Mapping[str, str]
) -> Override:
    """The override that leads every link of the spec through Toxiproxy, whose API is published on `api_port`.

    Raises HarnessError where that cannot be.
    """
    edges = [Edge(link.client, link.service, link.upstream) for link in spec.links.values()]
    return render(
        parse(json.dumps(resolved)),
        edges,
        mode=spec.mode,
        subnets=free_subnets(engine),
        toxiproxy_image=toxiproxy_image(),
        toxiproxy_service=spec.toxiproxy,
        api_port=api_port,
        labels=labels,
    )


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
