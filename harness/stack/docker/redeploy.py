"""Gives a container's place to a new one that differs in its variables only: a deploy, and the way back from it.

Compose's own `up --force-recreate` would read the user's files anew, and give other ports; this takes the container as
it stands. What was deployed before is kept in a label, as the variables are on the container itself.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import docker
from docker.errors import DockerException

from harness.errors import EngineError
from harness.stack.deploys import Deploy, deploy_now, to_take_back
from harness.stack.docker.following import REPLACES_LABEL
from harness.stack.state import Endpoint

DEPLOYS_LABEL = "io.resilience-harness.deploys"
STOP_WITHIN_S = 10


def deploys(body: Mapping[str, Any]) -> list[Deploy]:
    """Those that were not taken back, the last one last."""
    return [Deploy(**one) for one in json.loads((body["Config"]["Labels"] or {}).get(DEPLOYS_LABEL, "[]"))]


def changed(body: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """The Config of a container with these variables changed, and the way back in its labels."""
    before = environment(body)
    fresh = deploy_now({name: before.get(name) for name in variables})
    return _config(body, {**before, **variables}, [*deploys(body), fresh])


def back(body: Mapping[str, Any], service: str, named: str = "") -> dict[str, Any]:
    """The Config of a container as it was before its last deploy. Raises HarnessError as to_take_back()."""
    found = deploys(body)
    return _config(body, {**environment(body), **to_take_back(found, service, named).before}, found[:-1])


def environment(body: Mapping[str, Any]) -> dict[str, str]:
    return dict(one.partition("=")[::2] for one in body["Config"]["Env"] or ())


def _config(body: Mapping[str, Any], variables: Mapping[str, str | None], deployed: Sequence[Deploy]) -> dict[str, Any]:
    labels = dict(body["Config"]["Labels"] or {})
    labels.setdefault(REPLACES_LABEL, body["Id"])
    labels[DEPLOYS_LABEL] = json.dumps([{"at": one.at, "before": dict(one.before)} for one in deployed])
    config = {**body["Config"], "Labels": labels}
    config["Env"] = [f"{name}={value}" for name, value in variables.items() if value is not None]
    if config.get("Hostname") == body["Id"][:12]:
        del config["Hostname"]  # the engine gave it, and gives the new one its own
    return config


def replace(api: docker.APIClient, body: Mapping[str, Any], config: dict[str, Any], places: Sequence[Endpoint]) -> None:
    """End it and start its successor, at the same ports, volumes and names, on its networks (`places`). Raises the
    SDK's errors; the old one stands in its place again then."""
    name, old = body["Name"].lstrip("/"), body["Id"]
    mode = body["HostConfig"].get("NetworkMode", "")
    first = next((one for one in places if mode in (one.name, one.network)), places[0] if places else None)
    config["HostConfig"] = {**body["HostConfig"], **_ports(body), **_volumes(body)}
    config["NetworkingConfig"] = {"EndpointsConfig": {first.name: _endpoint(first)} if first else {}}
    try:
        api.stop(old, timeout=body["Config"].get("StopTimeout") or STOP_WITHIN_S)
        api.rename(old, f"{name}-before-{old[:12]}")
        fresh = api.create_container_from_config(config, name)["Id"]
        for one in places:
            if one is not first:
                api.connect_container_to_network(
                    fresh, one.network, aliases=list(one.aliases), ipv4_address=one.ipv4 or None
                )
        api.start(fresh)
    except BaseException:
        _put_back(api, old, name)
        raise
    api.remove_container(old, force=True)


def _put_back(api: docker.APIClient, old: str, name: str) -> None:
    """The old one in its place, however far its successor came: an engine that gave no answer may have done it all."""
    with contextlib.suppress(DockerException, OSError):
        there = api.inspect_container(name)["Id"]
        if there != old:
            api.remove_container(there, force=True)
    with contextlib.suppress(DockerException, OSError):  # it has its name still
        api.rename(old, name)
    api.start(old)


def _ports(body: Mapping[str, Any]) -> dict[str, Any]:
    """At the machine's ports that it has, where it was given any free ones."""
    given = body["HostConfig"].get("PortBindings") or {}
    had = body["NetworkSettings"].get("Ports") or {}
    return {"PortBindings": {port: had.get(port) or bindings for port, bindings in given.items()}}


def _volumes(body: Mapping[str, Any]) -> dict[str, Any]:
    """Those that have no name in the Compose file too."""
    binds = list(body["HostConfig"].get("Binds") or ())
    known = {one.split(":")[1] for one in binds} | {one["Target"] for one in body["HostConfig"].get("Mounts") or ()}
    for one in body.get("Mounts") or ():
        if one.get("Type") == "volume" and one["Destination"] not in known:
            binds.append(f"{one['Name']}:{one['Destination']}:{'rw' if one.get('RW', True) else 'ro'}")
    return {"Binds": binds}


def _endpoint(place: Endpoint) -> dict[str, Any]:
    fixed = {"IPv4Address": place.ipv4, "IPv6Address": place.ipv6}
    body: dict[str, Any] = {"Aliases": list(place.aliases), "Links": list(place.links)}
    if place.ipv4 or place.ipv6:
        body["IPAMConfig"] = {name: value for name, value in fixed.items() if value}
    return body


def refuse_what_is_laid_inside(body: Mapping[str, Any], paths: Sequence[str]) -> None:
    """Raise EngineError for one that Compose has copied files into (`configs` with content): its successor has none."""
    mounted = {one["Destination"] for one in body.get("Mounts") or ()}
    if inside := [one for one in paths if one not in mounted]:
        raise EngineError(
            f"Compose has laid {', '.join(inside)} into {body['Name'].lstrip('/')}, which a new container would lack; "
            "change the Compose file, and bring the stack up anew"
        )
