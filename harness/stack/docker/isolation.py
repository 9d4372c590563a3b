"""What makes a copy of a project ours for one run: ports of its own on the loopback, names of its own, our label.

Pure: from the project as Compose resolves it to an override. Nothing of the user's file is changed; what would collide
with the user's own running copy (ports, container names, named networks and volumes) is given a name of the run's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from harness.errors import StartError

Document = dict[str, Any]


class Override(list[Any]):
    """A list that takes the place of the one before it, where Compose would join them."""


class Reset:
    """Takes a value away."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(Override, lambda dumper, data: dumper.represent_sequence("!override", list(data)))
_Dumper.add_representer(Reset, lambda dumper, data: dumper.represent_scalar("!reset", "null"))


def to_yaml(document: Document) -> str:
    """The override as Compose reads it."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120)


def isolate(resolved: Mapping[str, Any], own_name: str, ports: Mapping[str, tuple[int, int]], label: str) -> Document:
    """The override for a run.

    `resolved` is the project resolved under the run's project name, `own_name` the name that it has without us, `ports`
    (container port, host port) by the service that must be met from outside, `label` a `name=value`.
    Raises StartError for volumes and networks that somebody else owns.
    """
    key, _, value = label.partition("=")
    labels = {key: value}
    project = resolved["name"]
    services: Document = {}
    for name, body in resolved["services"].items():
        one: Document = {"labels": labels}
        if body.get("container_name"):
            one["container_name"] = Reset()
        if "build" in body and not body.get("image"):
            one["image"] = f"{own_name}-{name}"
        if name in ports:
            inside, outside = ports[name]
            one["ports"] = Override([f"127.0.0.1:{outside}:{inside}"])
        elif body.get("ports"):
            one["ports"] = Override()
        services[name] = one
    return {
        "services": services,
        "networks": _ours("network", resolved.get("networks") or {}, project, labels),
        "volumes": _ours("volume", resolved.get("volumes") or {}, project, labels),
    }


def _ours(kind: str, named: Mapping[str, Any], project: str, labels: Mapping[str, str]) -> Document:
    out: Document = {}
    for key, body in named.items():
        if (body or {}).get("external"):
            if kind == "network":
                continue  # used as it is: what is on it is not ours to touch
            raise StartError(
                f"the volume {key} is external: a run would load and break what somebody else keeps in it; give the "
                "project a volume of its own for the test, in a Compose file that you add with --file"
            )
        out[key] = {"labels": labels}
        if (body or {}).get("name") != f"{project}_{key}":
            out[key]["name"] = f"{project}_{key}"
    return out
