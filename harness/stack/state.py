"""What a running stack is, on disk: enough to attach to it, to heal it and to take it down, by whoever comes next.

`stack.json` of a run folder, and `.harness/stack.json` of a stack that is kept between runs. Written anew as each
process starts, so that a harness that is killed in the middle leaves nothing that the guardian does not know of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import StartError
from harness.masking import mask_urls
from harness.stack.child import ProcessId
from harness.stack.own import OUTPOST, TAP
from harness.stack.toxiproxy import ProxyState, Toxic
from harness.store import read_json, write_json


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container's place on one network: the network's id and name, the names it bears there, its addresses where
    they were fixed, and its `links`: others by names that only it knows (`shop-db-1:database`)."""

    network: str
    name: str
    aliases: tuple[str, ...] = ()
    ipv4: str = ""
    ipv6: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container in its pristine state. Limits are None where there is none; `memory_swap_bytes` is
    both together. `resolv_conf` is the file's text, empty where it is not known."""

    id: str
    name: str
    running: bool = True
    paused: bool = False
    endpoints: tuple[Endpoint, ...] = ()
    cpu_cores: float | None = None
    memory_bytes: int | None = None
    memory_swap_bytes: int | None = None
    resolv_conf: str = ""


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that runs: where it is met (`host:port`), its process as it was started, its log.

    `launch` is the record that starts a process again, `container` the pristine state of a container. `disks` are its
    file systems of bounded size: the path that the service knows, and where the harness finds it. `running` and `held`
    are the pristine state of a process: a run that attaches to a stack may find one that has ended, or is stopped.
    """

    name: str
    address: str
    log: str
    process: ProcessId | None = None
    launch: str = ""
    container: ContainerState | None = None
    disks: Mapping[str, str] = field(default_factory=dict)
    running: bool = True
    held: bool = False

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None


@dataclass(frozen=True, slots=True)
class RunningLink:
    """A link that runs through the proxy of the same name: the client dials `listen`, Toxiproxy dials `upstream`.

    Where it has a tap, that listens at `listen`, and dials Toxiproxy at `behind_tap`.
    """

    name: str
    client: str
    service: str
    listen: str
    upstream: str
    behind_tap: str = ""


@dataclass(frozen=True, slots=True)
class StackState:
    """A running stack and its pristine state: `proxies` are what healing makes the world equal to.

    `owned` processes, `project` and `folders` are ended and removed by the guardian when the harness that started them
    dies; they are empty in the run folder of a run that only attached to a stack. `project` is the Compose project
    that the harness made, `aside` the user's own containers that were stopped for it and are started again after.
    `toxiproxy` is the service that is Toxiproxy; `tap` and `outpost` are where the harness meets its own (own.py), ""
    where the stack has none; `reached` are services by the `host:port` at which the outpost finds them. `notes` is a
    folder for what must outlive a harness that is killed: a service that was asked to end (see BreakableService).
    """

    kind: str
    compose_file: str = ""
    toxiproxy_url: str = ""
    toxiproxy: str = ""
    tap: str = ""
    outpost: str = ""
    reached: Mapping[str, str] = field(default_factory=dict)
    entry: str = ""
    entry_service: str = ""
    services: tuple[RunningService, ...] = ()
    links: tuple[RunningLink, ...] = ()
    proxies: tuple[ProxyState, ...] = ()
    owned: tuple[ProcessId, ...] = ()
    folders: tuple[str, ...] = ()
    project: str = ""
    aside: tuple[str, ...] = ()
    notes: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def ending_note(self, service: str) -> Path | None:
        """Where it is noted that a service was asked to end, and may not have yet; None where no notes are kept."""
        return Path(self.notes) / f"ending-{service}" if self.notes else None

    def may_end(self, service: str) -> bool:
        """Whether it may be a job, to be done when it ends well: nobody dials it."""
        return service not in {self.entry_service, *self.own, *(one.service for one in self.links)}

    @property
    def own(self) -> tuple[str, ...]:
        """The services that are the harness's tools."""
        return (self.toxiproxy, TAP, OUTPOST)

    def attached(self) -> StackState:
        """The same stack as a run sees that did not start it: to be healed, not to be taken down."""
        return replace(self, owned=(), folders=(), project="", aside=())

    def to_json(self) -> dict[str, Any]:
        """As `harness stack status --json` prints it: services and links by name, each service's pid spelled out."""
        body = asdict(self)
        body["entry"] = mask_urls(self.entry)  # a host of somebody's; those that we start have no password
        body["services"] = {one.name: {**asdict(one), "pid": one.pid} for one in self.services}
        body["links"] = {one.name: asdict(one) for one in self.links}
        return {"schema": 3, **body}


def write(path: Path, state: StackState) -> None:
    """Write in one atomic step. Raises RunFolderError when the disk will not take it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, state.to_json())


def read(path: Path) -> StackState:
    """The state at `path`. Raises RunFolderError when it is missing, StartError when it is damaged."""
    body = read_json(path)
    try:
        return StackState(
            kind=body["kind"],
            compose_file=body["compose_file"],
            toxiproxy_url=body["toxiproxy_url"],
            toxiproxy=body["toxiproxy"],
            tap=body["tap"],
            outpost=body["outpost"],
            reached=body["reached"],
            entry=body["entry"],
            entry_service=body["entry_service"],
            services=tuple(_service(one) for one in body["services"].values()),
            links=tuple(RunningLink(**one) for one in body["links"].values()),
            proxies=tuple(
                ProxyState(**{**one, "toxics": tuple(Toxic(**toxic) for toxic in one["toxics"])})
                for one in body["proxies"]
            ),
            owned=tuple(ProcessId(**one) for one in body["owned"]),
            folders=tuple(body["folders"]),
            project=body["project"],
            aside=tuple(body["aside"]),
            notes=body["notes"],
            variables=body["variables"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise StartError(f"{path} is damaged ({error}); end the stack by hand and remove that file") from error


def _service(body: Mapping[str, Any]) -> RunningService:
    process, container = body["process"], body["container"]
    fields = {name: body[name] for name in ("name", "address", "log", "launch", "disks", "running", "held")}
    return RunningService(
        **fields,
        process=ProcessId(**process) if process else None,
        container=_container(container) if container else None,
    )


def _container(body: Mapping[str, Any]) -> ContainerState:
    endpoints = tuple(
        Endpoint(**{**one, "aliases": tuple(one["aliases"]), "links": tuple(one["links"])}) for one in body["endpoints"]
    )
    return ContainerState(**{**body, "endpoints": endpoints})
