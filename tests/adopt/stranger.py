"""Hand-written projects, in the JSON that `docker compose config --format json` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.adopt.edges import Found, SeenConnection, find_edges
from harness.adopt.project import ComposeProject, parse

Body = Mapping[str, Any]
STARTED = {"condition": "service_started", "required": True}


def service(**body: Any) -> Body:
    """A service on the default network, unless it says otherwise."""
    plain: dict[str, Any] = {"command": None, "entrypoint": None, "image": "any"}
    if "network_mode" not in body:
        plain["networks"] = {"default": None}
    return {**plain, **body}


def needs(*names: str, condition: str = "service_started") -> dict[str, Any]:
    """`depends_on` as Compose resolves it."""
    return {name: {"condition": condition, "required": True} for name in names}


def stack(networks: Mapping[str, Body] | None = None, said: Body | None = None, /, **services: Body) -> ComposeProject:
    """A project called `shop`. Networks that its services name are made; say one to say more of it."""
    keys = {key for body in services.values() for key in body.get("networks", {})}
    made = {key: {"name": f"shop_{key}", "ipam": {}, **(networks or {}).get(key, {})} for key in sorted(keys)}
    document = {"name": "shop", "services": services, "networks": made}
    return parse(json.dumps({**document, "x-harness": {"links": said}} if said else document))


def found(
    project: ComposeProject,
    exposed: Mapping[str, tuple[int, ...]] | None = None,
    *seen: tuple[str, str, int, int],
) -> Found:
    """What find_edges finds."""
    return find_edges(project, exposed or {}, tuple(SeenConnection(*one) for one in seen))


def as_text(found: Found) -> dict[str, str]:
    """The edges as `web -> api:8000`, with their reasons."""
    return {f"{e.client} -> {e.service}:{e.port}": ", ".join(e.reasons) for e in found.edges}


def why(found: Found) -> dict[str, str]:
    """What was left out, with the reason."""
    return {one.what: one.why for one in found.left_out}
