"""Starts the Docker stack: a copy of the project, with Toxiproxy on its links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.adopt.attach import upstream_name
from harness.adopt.yaml_text import Node
from harness.errors import StartError
from harness.stack.docker.compose import ComposeFiles
from harness.stack.docker.connections import member, open_ports
from harness.stack.docker.interpose import interpose
from harness.stack.docker.isolation import merged
from harness.stack.docker.project_copy import ProjectCopy, Say
from harness.stack.docker.tools import inside, tools, with_image
from harness.stack.heal import take_down_whole
from harness.stack.own import BEHIND_TAP_PORT, OUTPOST, TAP
from harness.stack.ports import free_ports, listens
from harness.stack.running import RunningStack
from harness.stack.spec import StackSpec
from harness.stack.state import RunningLink, StackState
from harness.stack.taps import answers, give_link
from harness.stack.toxiproxy import ProxyState, ToxiproxyClient
from harness.tap.client import TapClient

API_PORT = 8474
ANSWERS_WITHIN_S, LISTENS_WITHIN_S = 30.0, 60.0


def start_stack(
    spec: StackSpec, state_path: Path, logs: Path, cancelled: Callable[[], bool] = lambda: False, say: Say = print
) -> RunningStack:
    """Start everything and wait until it is well. What it starts is in `state_path` from the first moment.

    Raises HarnessError, with the end of the log that says why, and leaves nothing behind then.
    """
    state = StackState(kind="docker", compose_file=str(spec.path.resolve()), variables=dict(spec.variables))
    copy = ProjectCopy(ComposeFiles(spec.files, spec.given), state, state_path, logs, cancelled, say)
    try:
        _start(with_image(spec, copy, say), copy)
        _tell_unseen(copy, say)
    except BaseException as error:
        take_down_whole(copy.state, error)
        raise
    return RunningStack(copy.state)


def _start(spec: StackSpec, copy: ProjectCopy) -> None:
    entry_port, api_port, *more = free_ports(2 + len(own := inside(spec)))
    outside = dict(zip(own, more, strict=True))
    at_toxiproxy = {API_PORT: api_port, **{port: outside[name] for name, port in own.items()}}
    ports: dict[str, Mapping[int, int]] = {spec.entry_service: {spec.entry_port: entry_port}}
    if not spec.mode:
        ports[spec.toxiproxy] = at_toxiproxy

    def between(resolved: Mapping[str, Any], labels: Mapping[str, str]) -> Mapping[str, Node]:
        ours: Mapping[str, Node] = {"services": tools(spec, labels)}
        return merged(interpose(spec, resolved, copy.engine, at_toxiproxy, labels), ours) if spec.mode else ours

    copy.start(ports, between, own_name=spec.name, take_over=spec.take_over)
    _find_links(copy, spec, api_port, entry_port, outside)


def _reached(spec: StackSpec) -> dict[str, str]:
    """Services by the address at which they are found from Toxiproxy's network namespace, those with a known port.
    Where Toxiproxy bears the name of one it is found by another."""
    ports = {name: found[0] for name, found in spec.ports.items() if found}
    ports |= {one.name: one.port for one in spec.services.values() if one.port}
    ports |= {link.service: link.upstream for link in spec.links.values()}
    ports.setdefault(spec.entry_service, spec.entry_port)
    borne = {link.service for link in spec.links.values()} if spec.mode else set()
    return {name: f"{upstream_name(name) if name in borne else name}:{port}" for name, port in ports.items()}


def _ports_of_entry(copy: ProjectCopy, spec: StackSpec) -> tuple[int, ...] | None:
    """What the entry itself listens on: Docker takes connections for it at the published port either way. None where it
    cannot be seen from here."""
    entry = next((one.container for one in copy.state.services if one.name == spec.entry_service), None)
    body = copy.engine.inspect(entry.id) if entry else None
    if body is None or copy.engine.process_of(body, spec.entry_service) is None:
        return None
    return open_ports([member(copy.engine, body)])[spec.entry_service]


def _listens(copy: ProjectCopy, spec: StackSpec) -> bool:
    ports = _ports_of_entry(copy, spec)
    return ports is None or spec.entry_port in ports


def _tell_unseen(copy: ProjectCopy, say: Say) -> None:
    unseen = [
        one.name for one in copy.state.services if one.process is None and one.container and one.container.running
    ]
    if unseen:
        say(f"  not seen from here, so a bypass of Toxiproxy cannot be checked there: {', '.join(unseen)}")


def _find_links(copy: ProjectCopy, spec: StackSpec, api_port: int, entry_port: int, outside: Mapping[str, int]) -> None:
    """Every link has its proxy, and its tap where it is to have one, and the entry listens. Raises StartError."""
    client = ToxiproxyClient(f"http://127.0.0.1:{api_port}")
    if not copy.wait(client.answers, ANSWERS_WITHIN_S):
        raise StartError(f"Toxiproxy's API does not answer at {client.url}{copy.why()}")
    there = client.proxies()
    missing = [name for name in spec.links if name not in there]
    if missing:
        raise StartError(
            f"Toxiproxy has no proxy for {', '.join(missing)}; one that cannot listen takes those after it down too: "
            f"see the log of {spec.toxiproxy}"
        )
    if not copy.wait(lambda: listens("127.0.0.1", entry_port) and _listens(copy, spec), LISTENS_WITHIN_S):
        others = ", ".join(map(str, _ports_of_entry(copy, spec) or ())) or "none"
        raise StartError(
            f"{spec.entry_service} does not listen on its port {spec.entry_port} for others than itself (open: "
            f"{others}); correct x-harness.entry, or let it listen on 0.0.0.0{copy.why()}"
        )
    tap = f"127.0.0.1:{outside[TAP]}" if TAP in outside else ""
    if tap and not copy.wait(lambda: answers(TapClient(tap)), ANSWERS_WITHIN_S):
        raise StartError(f"the tap does not answer at {tap}{copy.why()}")
    links, proxies = _put_taps(spec, client, there, tap)
    copy.change(
        toxiproxy_url=client.url,
        toxiproxy=spec.toxiproxy,
        tap=tap,
        outpost=f"127.0.0.1:{outside[OUTPOST]}" if OUTPOST in outside else "",
        alerts=spec.alerts,
        reached=_reached(spec),
        links=links,
        proxies=proxies,
        entry=f"http://127.0.0.1:{entry_port}",
        entry_service=spec.entry_service,
    )


def _put_taps(
    spec: StackSpec, client: ToxiproxyClient, there: Mapping[str, ProxyState], tap: str
) -> tuple[tuple[RunningLink, ...], tuple[ProxyState, ...]]:
    """Let the tap listen where Toxiproxy did, and Toxiproxy behind it: a link that has a tap is away for a moment, and
    only while nothing is sent over it by the load."""
    links: list[RunningLink] = []
    proxies: list[ProxyState] = []
    for link in spec.links.values():
        proxy = there[link.name]
        one = RunningLink(link.name, link.client, link.service, proxy.listen, proxy.upstream)
        if link.tap:
            one = replace(one, behind_tap=f"127.0.0.1:{BEHIND_TAP_PORT + len(links)}")
            client.delete(link.name)
            client.create(link.name, one.behind_tap, proxy.upstream)
            give_link(TapClient(tap), one)
        links.append(one)
        proxies.append(replace(proxy, listen=one.behind_tap or proxy.listen, enabled=True, toxics=()))
    return tuple(links), tuple(proxies)
