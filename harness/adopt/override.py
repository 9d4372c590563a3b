"""The override file that puts Toxiproxy on every edge of a project, by networks alone.

Each pair of client and dependency has a network of its own, in which Toxiproxy has a fixed address, bears every name of
the dependency and listens on its ports: the address tells the edge. No line of the user's is changed.

soft: the client keeps its networks; the edge's network answers first. What was not found goes on working, past
Toxiproxy, and so does everything when Toxiproxy is not there.
strict: services with edges are on nothing but these networks. Nothing can pass by; what was not found is broken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.adopt.attach import MODES, Plan, lay_out, upstream_name
from harness.adopt.edges import Edge
from harness.adopt.project import ComposeProject
from harness.adopt.subnets import Subnets, fixed
from harness.adopt.yaml_text import Node, Tagged, dump
from harness.errors import ComposeFileError, one_of

API_PORT = 8474
CONFIG_PATH = "/hx.json"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy as Toxiproxy's API must show it once the stack is up. `listen` and `upstream` are `host:port`."""

    name: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Override:
    """The override document, and the proxies that must be there when it is in force."""

    document: Mapping[str, Node]
    toxiproxy: str
    proxies: tuple[Proxy, ...]
    header: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """The file: YAML with Compose's own tags, after a comment that says what it is."""
        return dump(self.document, self.header)


def toxiproxy_name(project: ComposeProject) -> str:
    """The name for Toxiproxy's service: hx-toxiproxy, or the next that no service has."""
    name, n = "hx-toxiproxy", 1
    while name in project.services:
        n += 1
        name = f"hx-toxiproxy-{n}"
    return name


def render(
    project: ComposeProject,
    links: Mapping[str, Edge],
    *,
    mode: str = "soft",
    subnets: Subnets,
    toxiproxy_image: str,
    toxiproxy_service: str | None = None,
    published: Mapping[int, int] | None = None,
    known_ports: Mapping[str, tuple[int, ...]] | None = None,
    labels: Mapping[str, str] | None = None,
    extension: Mapping[str, Node] | None = None,
) -> Override:
    """The override that leads these edges through proxies of these names. `published` are ports of Toxiproxy's, each
    with that of 127.0.0.1 where it is published. `known_ports` are all TCP ports by service (Found.ports), which stay
    open to those who are linked to it. `labels` go on all that is ours; `extension` is what x-harness says besides
    mode, toxiproxy and links.

    Raises ComposeFileError where the project does not allow it, StartError when no subnet is left.
    """
    if mode not in MODES:
        raise ComposeFileError(one_of("mode", mode, MODES))
    if not links:
        raise ComposeFileError(
            "no edge of this project can be led through Toxiproxy; say at least one in x-harness, as in "
            "links: {web-api: {client: web, service: api, port: 8000}}"
        )
    toxiproxy = toxiproxy_service or toxiproxy_name(project)
    if toxiproxy in project.services:
        raise ComposeFileError(f"the project has a service {toxiproxy!r}; give Toxiproxy's another name")
    _must_differ(links)
    plan = lay_out(project, tuple(links.values()), mode=mode, subnets=subnets, control=bool(published))
    labels = labels or {}
    proxies = (*_of_links(plan, links), *_of_further_ports(plan, links, known_ports or {}))
    services: dict[str, Node] = {name: _changes(plan, name, toxiproxy) for name in plan.touched()}
    services[toxiproxy] = _toxiproxy(plan, toxiproxy_image, published or {}, labels)
    document: dict[str, Node] = {
        "services": services,
        "networks": {one.key: one.node(labels) for one in plan.networks()},
        "configs": {plan.config_key: {"content": _config(proxies)}},
        "x-harness": Tagged(
            {
                **(extension or {}),
                "mode": mode,
                "toxiproxy": toxiproxy,
                "links": {
                    name: {"client": edge.client, "service": edge.service, "port": edge.port}
                    for name, edge in links.items()
                },
            }
        ),
    }
    return Override(
        document=document,
        toxiproxy=toxiproxy,
        proxies=proxies,
        header=_header(project, mode, len(links)),
    )


def _must_differ(links: Mapping[str, Edge]) -> None:
    """Two proxies cannot listen on one address."""
    names: dict[tuple[str, str, int], str] = {}
    for name, edge in links.items():
        other = names.setdefault((edge.client, edge.service, edge.port), name)
        if other != name:
            raise ComposeFileError(
                f"x-harness.links: {other} and {name} are both {edge.client} -> {edge.service}:{edge.port}; drop one"
            )


def _of_links(plan: Plan, links: Mapping[str, Edge]) -> list[Proxy]:
    return [_proxy(plan, name, (edge.client, edge.service), edge.port) for name, edge in links.items()]


def _of_further_ports(plan: Plan, links: Mapping[str, Edge], known: Mapping[str, tuple[int, ...]]) -> list[Proxy]:
    """A client finds all of a dependency's names at Toxiproxy: a port without a proxy would be closed to it."""
    taken = {(edge.client, edge.service, edge.port) for edge in links.values()}
    names = set(links)
    found = []
    for pair, network in plan.edge_networks.items():
        for port in known.get(pair[1], ()):
            if (*pair, port) not in taken:
                name = f"{network.key.removeprefix('hx-')}-{port}"
                while name in names:
                    name += "-"
                names.add(name)
                found.append(_proxy(plan, name, pair, port))
    return found


def _proxy(plan: Plan, name: str, pair: tuple[str, str], port: int) -> Proxy:
    listen = f"{fixed(plan.edge_networks[pair].subnet)}:{port}"
    return Proxy(name, listen, f"{upstream_name(pair[1])}:{port}")


def _changes(plan: Plan, service: str, toxiproxy: str) -> Node:
    """What changes for a service of the user's."""
    body: dict[str, Node] = {}
    own = plan.project.services[service]
    attachments = plan.attachments(service)
    body["networks"] = Tagged(attachments) if plan.mode == "strict" else attachments
    if service not in plan.clients():
        return body
    depends_on: dict[str, Node] = {toxiproxy: {"condition": "service_started"}}
    kept = plan.kept_links(service)
    if len(kept) < len(own.links):
        body["links"] = Tagged([f"{other}:{alias}" for other, alias in kept])
        for other in {other: None for other, alias in own.links if (other, alias) not in kept}:
            if how := own.depends_on.get(other):
                depends_on[other] = {"condition": how.condition, "restart": how.restart, "required": how.required}
    body["depends_on"] = depends_on
    return body


def _toxiproxy(plan: Plan, image: str, published: Mapping[int, int], labels: Mapping[str, str]) -> Node:
    body: dict[str, Node] = {
        "image": image,
        "command": ["-host=0.0.0.0", "-proxy-metrics", f"-config={CONFIG_PATH}"],
        # Its default, trace, writes several lines a connection.
        "environment": {"LOG_LEVEL": "error"},
        "configs": [{"source": plan.config_key, "target": CONFIG_PATH}],
        "networks": plan.toxiproxy_attachments(),
    }
    if published:
        body["ports"] = [f"127.0.0.1:{outside}:{inside}" for inside, outside in published.items()]
    if labels:
        body["labels"] = dict(labels)
    return body


def _config(proxies: Sequence[Proxy]) -> str:
    """Toxiproxy's own configuration: a line a proxy, for people who read the file."""
    rows = [
        json.dumps({"name": one.name, "listen": one.listen, "upstream": one.upstream, "enabled": True})
        for one in proxies
    ]
    return "[\n  " + ",\n  ".join(rows) + "\n]\n"


def _header(project: ComposeProject, mode: str, links: int) -> tuple[str, ...]:
    what = "each link runs" if links != 1 else "the link runs"
    return (
        f"Written by `harness adopt` for the project {project.name}: {what} through Toxiproxy ({links}, {mode}).",
        "Use it after the project's own files: docker compose -f ... -f THIS-FILE up -d",
        "Nothing else is changed; without this file the project is what it was.",
    )
