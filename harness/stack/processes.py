"""The embedded stack: the Compose file's services as plain local processes, every link through one toxiproxy-server.

No container engine is needed. PostgreSQL and Toxiproxy the harness knows itself; every other service starts by the
command of `x-harness.processes`. Services find each other by the environment variables that the Compose file gives
them, in which `toxiproxy:15432` and `payments:8080` become loopback addresses.
"""

from __future__ import annotations

import http.client
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import ComposeFileError, StartError
from harness.masking import masked, remember, secrets_in
from harness.stack.child import Child, last_lines
from harness.stack.compose_mounts import lay_out
from harness.stack.compose_volumes import Volumes, data_folder, tmpfs_of
from harness.stack.heal import take_down_whole
from harness.stack.launch import Launch, record
from harness.stack.left_out import as_found
from harness.stack.own import OUTPOST, OWN, TAP, own_commands
from harness.stack.ports import free_ports, listens
from harness.stack.postgres import Postgres
from harness.stack.running import RunningStack
from harness.stack.spec import ServiceSpec, StackSpec
from harness.stack.state import RunningLink, RunningService, StackState, write
from harness.stack.taps import give_links
from harness.stack.toxiproxy import ToxiproxyClient
from harness.stack.toxiproxy_server import provide
from harness.waiting import wait_until

READY_WITHIN_S = 30.0
LOOPBACK = "127.0.0.1"


def start_stack(
    spec: StackSpec,
    state_path: Path,
    logs: Path,
    cancelled: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = print,
) -> RunningStack:
    """Start everything and wait until it is ready. What it starts is in `state_path` from the first moment.

    Raises StartError, with the end of the log that says why, and leaves nothing behind then; HealIncomplete where it
    cannot help it.
    """
    server = provide()
    start_up = _StartUp(as_found(spec, say), state_path, logs, cancelled)
    try:
        start_up.all(server)
    except BaseException as error:
        take_down_whole(start_up.state, error)
        raise
    return RunningStack(start_up.state)


class _StartUp:
    """One start of a stack; `state` is at all times what is on disk."""

    def __init__(self, spec: StackSpec, state_path: Path, logs: Path, cancelled: Callable[[], bool]) -> None:
        self._spec, self._path, self._logs, self._cancelled = spec, state_path, logs, cancelled
        self._lock = threading.Lock()
        self._secrets = secrets_in(one.environment for one in spec.services.values()) - {*spec.services}
        self._allot_ports()
        self.state = StackState(kind="embedded", compose_file=str(spec.path.resolve()), variables=dict(spec.variables))

    def all(self, server: Path) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="harness-stack-"))
        self._change(folders=(str(folder),), notes=str(folder))
        remember(folder, self._secrets)
        self._volumes = Volumes(folder)
        self._start_tools(server, folder)
        waiting = [one for one in self._spec.start_order() if one.name != self._spec.toxiproxy]
        begun = {self._spec.toxiproxy}
        while waiting:
            level = [one for one in waiting if begun.issuperset(one.depends_on)]
            with ThreadPoolExecutor(len(level)) as pool:
                for done in [pool.submit(self._start_service, one, folder) for one in level]:
                    done.result()
            begun.update(one.name for one in level)
            waiting = [one for one in waiting if one.name not in begun]

    def _allot_ports(self) -> None:
        services = {name: one for name, one in self._spec.services.items() if name != self._spec.toxiproxy}
        for one in services.values():
            if not one.command and not one.is_postgres:
                raise ComposeFileError(
                    f"{self._spec.path}: the embedded stack cannot start {one.name!r}: give it a command in "
                    f"x-harness.processes.{one.name} (docs/stack.md), or run with --stack docker"
                )
        ports = iter(free_ports(len(self._spec.services) + 2 * len(self._spec.links) + len(OWN)))
        self._port = {name: next(ports) for name in [*services, self._spec.toxiproxy, *OWN]}
        self._listen = {name: next(ports) for name in self._spec.links}
        self._behind_tap = {link.name: next(ports) for link in self._spec.tapped}

    def _start_tools(self, server: Path, folder: Path) -> None:
        """Toxiproxy, the tap and the outpost, side by side; then every link."""
        toxiproxy, port = self._spec.toxiproxy, self._port[self._spec.toxiproxy]
        commands: dict[str, list[str | Path]] = {
            toxiproxy: [server, "-host", LOOPBACK, "-port", str(port), "-proxy-metrics"],
            **own_commands(self._spec, {name: f"{LOOPBACK}:{self._port[name]}" for name in OWN}),
        }
        with ThreadPoolExecutor(len(commands)) as pool:
            for done in [pool.submit(self._start_tool, *one, folder) for one in commands.items()]:
                done.result()
        client = ToxiproxyClient(f"http://{LOOPBACK}:{port}")
        links = []
        for link in self._spec.links.values():
            listen = f"{LOOPBACK}:{self._listen[link.name]}"
            upstream = f"{LOOPBACK}:{self._port[link.service]}"
            behind_tap = f"{LOOPBACK}:{self._behind_tap[link.name]}" if link.tap else ""
            client.create(link.name, behind_tap or listen, upstream)
            links.append(RunningLink(link.name, link.client, link.service, listen, upstream, behind_tap))
        self._change(
            toxiproxy_url=client.url,
            toxiproxy=toxiproxy,
            tap=f"{LOOPBACK}:{self._port[TAP]}" if TAP in commands else "",
            outpost=f"{LOOPBACK}:{self._port[OUTPOST]}" if OUTPOST in commands else "",
            alerts=self._spec.alerts,
            reached={name: f"{LOOPBACK}:{self._port[name]}" for name in self._spec.services},
            links=tuple(links),
            proxies=tuple(client.proxies().values()),
            entry=f"http://{LOOPBACK}:{self._port[self._spec.entry_service]}",
            entry_service=self._spec.entry_service,
        )
        give_links(self.state)

    def _start_tool(self, name: str, command: list[str | Path], folder: Path) -> None:
        port = self._port[name]
        quiet = {**os.environ, "LOG_LEVEL": "info"}  # Toxiproxy's trace of every connection would cost what it measures
        launch = replace(record(folder, name, command, self._logs / f"{name}.log"), environment=quiet)
        self._wait_ready(self._begin(launch, port), lambda: listens(LOOPBACK, port))

    def _start_service(self, spec: ServiceSpec, folder: Path) -> None:
        port, log = self._port[spec.name], self._logs / f"{spec.name}.log"
        if spec.is_postgres and not spec.command:
            self._start_postgres(spec, folder, port, log)
            return
        at = lay_out(spec.mounts, folder / spec.name, self._local, self._volumes.of(spec.volumes))
        environment = {**os.environ, **{k: at(self._local(v)) for k, v in spec.environment.items()}}
        if spec.port_variable:
            environment[spec.port_variable] = str(port)
        program, *words = spec.command
        python = program in ("python", "python3")
        command = [sys.executable if python else program, *(at(self._local(word)) for word in words)]
        here = str(self._spec.path.resolve().parent)
        launch = replace(record(folder, spec.name, command, log), environment=environment, folder=here)
        self._wait_ready(self._begin(launch, port), lambda: _is_ready(port, spec.ready))

    def _start_postgres(self, spec: ServiceSpec, folder: Path, port: int, log: Path) -> None:
        server = Postgres(spec.name, folder, port, spec.environment, log)
        # a folder of the user's stays theirs
        own = {target: one for target, one in spec.volumes.items() if one.is_named}
        volumes = self._volumes.of({**own, **tmpfs_of(spec.name, spec.disks, spec.volumes)})
        disks = {target: place for target, place in volumes.items() if place in self._volumes.disks}
        for place in volumes.values():
            server.own(place)
        launch = server.launch(data_folder(volumes, spec.environment), is_small=bool(disks))
        child = self._begin(launch, port, {target: str(disk) for target, disk in disks.items()})
        self._wait_ready(child, lambda: listens(LOOPBACK, port) and server.ready())
        server.create_database()

    def _local(self, value: str) -> str:
        """A value of a Compose environment as it is on the loopback: every `service:port` becomes an address."""
        at_toxiproxy = {link.listen: self._listen[link.name] for link in self._spec.links.values()}

        def one(match: re.Match[str]) -> str:
            name, port = match[1], int(match[2])
            if name == self._spec.toxiproxy and port in at_toxiproxy:
                return f"{LOOPBACK}:{at_toxiproxy[port]}"
            return f"{LOOPBACK}:{self._port[name]}"

        names = "|".join(re.escape(name) for name in sorted([*self._spec.services, *OWN], key=len, reverse=True))
        return LOOPBACK if value == "0.0.0.0" else re.sub(rf"(?<![\w.-])({names}):(\d+)", one, value)

    def _begin(self, launch: Launch, port: int, disks: Mapping[str, str] | None = None) -> Child:
        child = launch.begin()
        service = RunningService(child.name, f"{LOOPBACK}:{port}", launch.log, child.id, launch.path, disks=disks or {})
        with self._lock:
            self._change(services=(*self.state.services, service), owned=(*self.state.owned, child.id))
        return child

    def _change(self, **fields: Any) -> None:
        self.state = replace(self.state, **fields)
        write(self._path, self.state)

    def _wait_ready(self, child: Child, ready: Callable[[], bool]) -> None:
        began = time.monotonic()
        if not wait_until(lambda: child.ended() is not None or ready(), READY_WITHIN_S, cancelled=self._cancelled):
            if self._cancelled():
                raise StartError(f"called off while {child.name} was starting")
            raise StartError(
                f"{child.name} was not ready within {READY_WITHIN_S:g} s; its log ends:\n{self._end_of(child.log)}"
            )
        if child.ended() is not None:
            raise StartError(
                f"{child.name} ended with {child.ended()} after {time.monotonic() - began:.1f} s, before it was ready; "
                f"the end of its log:\n{self._end_of(child.log)}"
            )

    def _end_of(self, log: Path) -> str:
        """The log itself is masked when the stack is taken down: this goes on before."""
        return masked(last_lines(log), self._secrets)


def _is_ready(port: int, path: str) -> bool:
    if not path:
        return listens(LOOPBACK, port)
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
