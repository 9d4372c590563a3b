"""What makes a copy of a project ours for one run: ports of its own on the loopback, names of its own, our label.

Pure: from the project as Compose resolves it to an override. Nothing of the user's file is changed; what would collide
with the user's own running copy (ports, container names, named networks and volumes) is given a name of the run's, and
what would lead others to the copy, or the copy to what is not its own (external networks, labels), is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import PurePath
from typing import Any

from harness.adopt.yaml_text import Node, Tagged
from harness.errors import ComposeFileError, StartError
from harness.stack.compose_volumes import DATA_FOLDER, is_kept_from_copies

Document = dict[str, Node]

NOTHING = Tagged([], "!reset")
ONE_CONTAINER: Document = {"scale": 1, "deploy": {"replicas": 1}}


def merged(one: Mapping[str, Node], other: Mapping[str, Node]) -> Document:
    """Two overrides as one, as Compose would join them: mappings and lists are, of anything else the second counts."""
    out = dict(one)
    for key, value in other.items():
        before = out.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping | None):
            out[key] = merged(before, value or {})
        elif isinstance(before, list | tuple) and isinstance(value, list | tuple):
            out[key] = [*before, *value]
        else:
            out[key] = value
    return out


def isolate(
    resolved: Mapping[str, Any],
    own_name: str,
    ports: Mapping[str, Mapping[int, int]],
    labels: Mapping[str, str],
    taken: Mapping[str, str],
    variables: Mapping[str, str],
) -> Document:
    """The override for a run.

    `resolved` is the project resolved under the run's project name, `own_name` the name that it has without us, `ports`
    by the service that must be met from outside: those of its container, each with one of the loopback;
    `labels` go on everything; `taken` are subnets that are in use, each with the name of its network; `variables` are
    those of the files.
    Raises ComposeFileError for volumes that somebody else owns, StartError for addresses that somebody else has.
    """
    project = resolved["name"]
    networks = resolved.get("networks") or {}
    external = {key for key, body in networks.items() if (body or {}).get("external")}
    services: Document = {}
    for name, body in resolved["services"].items():
        one: Document = {"labels": Tagged(labels)}  # nothing that others act on
        if body.get("container_name"):
            one["container_name"] = NOTHING
        if places := _places(body, external):
            one["networks"] = places
        if "build" in body and not body.get("image"):
            one["image"] = f"{own_name}-{name}"
        if name in ports:
            one["ports"] = Tagged([f"127.0.0.1:{outside}:{inside}" for inside, outside in ports[name].items()])
        elif body.get("ports"):
            one["ports"] = NOTHING
        if _replicas(body) > 1:
            one |= {key: said for key, said in ONE_CONTAINER.items() if key in body}
        if kept := kept_folders(body, variables):
            one["volumes"] = [{"type": "volume", "target": target} for target in kept]
        services[name] = one
    made: Document = {key: _network(key, body or {}, project, labels) for key, body in networks.items()}
    anew: Node = {"ipam": {"config": NOTHING}}  # the engine gives one that is free
    moved = {key: anew for key in networks if _must_move(resolved, key, own_name, taken)}
    return {
        "services": services,
        "networks": merged(made, moved),
        "volumes": {
            key: _volume(key, body or {}, project, labels) for key, body in (resolved.get("volumes") or {}).items()
        },
    }


def own_network(project: str, key: str) -> str:
    """The name of a network of the user's in the copy."""
    return f"{project}_{key}"


def left_alone(resolved: Mapping[str, Any], variables: Mapping[str, str]) -> list[str]:
    """What the copy does without, and what it has instead, in lines."""
    bodies = resolved["services"]
    labelled = ", ".join(name for name, body in bodies.items() if body.get("labels"))
    return [
        *(
            f"{name}: your folder at {target} is left alone; the copy has an empty volume there"
            for name, body in bodies.items()
            for target in kept_folders(body, variables)
        ),
        *(
            f"your volume {key} is a place of yours, and left alone; the copy has an empty one"
            for key, body in (resolved.get("volumes") or {}).items()
            if _leads_elsewhere(body or {})
        ),
        *(
            f"the external network {key} is left alone; the copy has one of its own, with nobody else on it"
            for key, body in (resolved.get("networks") or {}).items()
            if (body or {}).get("external")
        ),
        *(
            f"{name}: one container in the copy, not {count}; a fault strikes all of a service"
            for name, body in bodies.items()
            if (count := _replicas(body)) > 1
        ),
        *([f"labels are left out ({labelled}): who acts on them would take the copy for yours"] if labelled else []),
    ]


def _must_move(resolved: Mapping[str, Any], key: str, own_name: str, taken: Mapping[str, str]) -> bool:
    """Whether a network's subnet is in use already, as by the user's own copy. Raises StartError where it cannot be
    another, since services have fixed addresses in it."""
    body = resolved["networks"][key] or {}
    pools = (body.get("ipam") or {}).get("config") or ()
    met = next((used for pool in pools for used in taken if _overlap(pool.get("subnet", ""), used)), None)
    if met is None:
        return False
    places = [(one.get("networks") or {}).get(key) or {} for one in resolved["services"].values()]
    if any(place.get("ipv4_address") or place.get("ipv6_address") for place in places):
        is_own = taken[met] in (body.get("name"), f"{own_name}_{key}")
        command = f"docker compose -p {own_name} down" if is_own else f"docker network rm {taken[met]}"
        raise StartError(
            f"services have fixed addresses on the network {key}, and {met} is in use by the network {taken[met]}; "
            f"free it for the time: {command}"
        )
    return True


def _overlap(one: str, other: str) -> bool:
    try:
        first, second = ip_network(one, strict=False), ip_network(other, strict=False)
    except ValueError:
        return False
    return first.version == second.version and first.overlaps(second)


def kept_folders(body: Mapping[str, Any], variables: Mapping[str, str]) -> tuple[str, ...]:
    """Where a service keeps its data in a folder of the user's: the copy has an empty volume there instead."""
    binds = [one for one in body.get("volumes") or () if one.get("type") == "bind" and not one.get("read_only")]
    data = PurePath((body.get("environment") or {}).get("PGDATA") or DATA_FOLDER)
    return tuple(
        one["target"]
        for one in binds
        if is_kept_from_copies(str(one.get("source")), str(one["target"]), False, variables)
        or data.is_relative_to(one["target"])
    )


def _places(body: Mapping[str, Any], external: set[str]) -> Document:
    """What changes of a service's places on networks."""
    found: Document = {}
    for key, place in (body.get("networks") or {}).items():
        one: Document = {}
        if body.get("container_name"):
            one["aliases"] = [body["container_name"]]  # others may find it by that name
        if key in external:  # the copy's own has another subnet
            one |= {at: NOTHING for at in ("ipv4_address", "ipv6_address") if at in (place or {})}
        if one:
            found[key] = one
    return found


def _replicas(body: Mapping[str, Any]) -> int:
    return int(body.get("scale") or (body.get("deploy") or {}).get("replicas") or 1)


def _network(key: str, body: Mapping[str, Any], project: str, labels: Mapping[str, str]) -> Document:
    """Of an external one too: on the user's the copy would bear the names of what runs there, and find it."""
    one: Document = {"labels": labels}
    if body.get("external"):
        one["external"] = NOTHING
    if body.get("name") != own_network(project, key):
        one["name"] = own_network(project, key)
    return one


def _volume(key: str, body: Mapping[str, Any], project: str, labels: Mapping[str, str]) -> Document:
    if body.get("external"):
        raise ComposeFileError(
            f"the volume {key} is external: a run would load and break what somebody else keeps in it; give the "
            "project a volume of its own for the test, in a Compose file that you add with --file"
        )
    one: Document = {"labels": labels}
    if body.get("name") != f"{project}_{key}":
        one["name"] = f"{project}_{key}"
    if _leads_elsewhere(body):
        one |= {"driver": NOTHING, "driver_opts": NOTHING}
    return one


def _leads_elsewhere(volume: Mapping[str, Any]) -> bool:
    """To a folder of the user's or a server (bind, NFS, a driver's own): under another name it is the same data."""
    options = volume.get("driver_opts") or {}
    return bool(options) and options.get("type") != "tmpfs"
