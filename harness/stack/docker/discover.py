"""Finds the links of somebody's project: what its files say, and which connections are really made under a little load.

The project is brought up as it is, in a copy of its own, watched for a while, and taken down again.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docker.errors import NotFound

from harness.adopt.edges import Found, SeenConnection, find_edges
from harness.adopt.project import ComposeProject, parse
from harness.errors import ComposeFileError, EngineError, one_of
from harness.stack.docker import compose
from harness.stack.docker.compose import ComposeFiles
from harness.stack.docker.connections import Connection, connections, members, open_ports
from harness.stack.docker.engine import Engine
from harness.stack.docker.project_copy import ProjectCopy, Say
from harness.stack.heal import take_down_whole
from harness.stack.ports import free_ports
from harness.stack.state import StackState

SAMPLE_S = 0.1

WhileWatched = Callable[[str, Callable[[], bool]], contextlib.AbstractContextManager[None]]
"""Loads the stack at an address while it is entered; what takes long before that is called off by the second."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the load goes: a service and its port, and how it is known."""

    service: str
    port: int
    reason: str = "as given"

    def __str__(self) -> str:
        return f"{self.service}:{self.port}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found: the project as Compose resolves it, its entry, its edges."""

    project: ComposeProject
    entry: Entry
    found: Found


def read_project(files: ComposeFiles) -> ComposeProject:
    """The project by Compose's own word. Raises ComposeFileError."""
    return parse(json.dumps(compose.resolve(files)))


def entry_of(project: ComposeProject, given: str) -> Entry:
    """The entry that is given as SERVICE:PORT, else the one service that publishes a port. Raises ComposeFileError."""
    service, _, port = given.rpartition(":")
    if given:
        if given in project.services:
            raise ComposeFileError(f"--entry needs a port too, as in {given}:8000; given {given!r}")
        if service not in project.services:
            raise ComposeFileError(f"--entry: {one_of('service', service or given, project.services)}")
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ComposeFileError(f"--entry needs a port from 1 to 65535, as in {service}:8000; given {given!r}")
        return Entry(service, int(port))
    open_to_all = {name: one.published_ports for name, one in project.services.items() if one.published_ports}
    if len(open_to_all) == 1:
        name, ports = next(iter(open_to_all.items()))
        return Entry(name, ports[0], "the only service that publishes a port")
    listed = ", ".join(f"{name}:{port}" for name, ports in open_to_all.items() for port in ports)
    raise ComposeFileError(
        f"say where the load goes with --entry SERVICE:PORT; services that publish a port: {listed or 'none'}"
    )


def discover(
    files: ComposeFiles,
    entry: Entry,
    *,
    watch_s: float,
    load: WhileWatched,
    cancelled: Callable[[], bool],
    say: Say,
    state_path: Path | None = None,
    take_over: bool = False,
) -> Discovery:
    """The edges of a project. With `watch_s` it is brought up and watched so long under `load`, which gets its address,
    with `take_over` while the user's own running copy is stopped.

    Raises HarnessError, HealIncomplete where something of the copy is left.
    """
    project = read_project(files)
    ports: dict[str, set[int]] = {name: set(found) for name, found in _exposed(project).items()}
    seen: Counter[Connection] = Counter()
    if watch_s:
        with tempfile.TemporaryDirectory(prefix="harness-adopt-") as folder:
            path = Path(folder)
            state = StackState(kind="docker", compose_file=str(files.paths[0]))
            copy = ProjectCopy(files, state, state_path or path / "stack.json", path / "logs", cancelled, say)
            outside = free_ports(1)[0]
            try:
                met_at = {entry.service: {entry.port: outside}}
                copy.start(met_at, lambda resolved, labels: {}, take_over=take_over)
                with load(f"http://127.0.0.1:{outside}", cancelled):
                    say(f"watching the connections that are made for {watch_s:g} s ...")
                    seen = _watch(copy.engine, copy.state.project, watch_s, cancelled, say)
                heard = open_ports(members(copy.engine, copy.state.project))
                _must_listen(entry, heard.get(entry.service, ()))
                for name, found in heard.items():
                    ports.setdefault(name, set()).update(found)
            except BaseException as error:
                take_down_whole(copy.state, error)
                raise
            take_down_whole(copy.state)
    known = {name: tuple(sorted(found)) for name, found in ports.items()}
    connections_seen = tuple(SeenConnection(*key, count) for key, count in sorted(seen.items()))
    return Discovery(project, entry, find_edges(project, known, connections_seen))


def _must_listen(entry: Entry, ports: Sequence[int]) -> None:
    """Docker takes connections for a published port, whether anything listens there or not. `ports` are empty where
    they are not seen. Raises ComposeFileError."""
    if ports and entry.port not in ports:
        listed = ", ".join(f"{entry.service}:{port}" for port in ports)
        raise ComposeFileError(f"--entry: nothing listens at {entry}; give one that is listened at: {listed}")


def _watch(
    engine: Engine, project: str, watch_s: float, cancelled: Callable[[], bool], say: Say
) -> Counter[Connection]:
    """The most connections that were open at once, by who dialled whom where."""
    of = members(engine, project)
    if unseen := sorted({one.service for one in of if one.pid is None}):
        say(f"not seen from here, so what they dial is known from the files only: {', '.join(unseen)}")
    most: Counter[Connection] = Counter()
    deadline = time.monotonic() + watch_s
    while time.monotonic() < deadline and not cancelled():
        most |= connections(of)
        time.sleep(SAMPLE_S)
    return most


def _exposed(project: ComposeProject) -> Mapping[str, tuple[int, ...]]:
    """What the images say that they listen on, for those that are here."""
    found: dict[str, tuple[int, ...]] = {}
    try:
        engine = Engine.connect()
    except EngineError:
        return found
    for name, service in project.services.items():
        with contextlib.suppress(EngineError, NotFound):
            found[name] = engine.exposed_ports(service.image or f"{project.name}-{name}")
    return found
