"""Starts the Docker stack: a copy of the project of its own for the run, brought up by Compose, seen by the engine."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from harness.errors import StartError
from harness.stack.compose_file import StackSpec
from harness.stack.docker import compose, isolation, pristine
from harness.stack.docker.compose import ComposeFiles
from harness.stack.docker.engine import RUN_LABEL, SERVICE_LABEL, Engine
from harness.stack.heal import take_down
from harness.stack.ports import free_ports, listens
from harness.stack.running import RunningStack
from harness.stack.state import RunningLink, RunningService, StackState, write
from harness.stack.toxiproxy import ProxyState, ToxiproxyClient
from harness.waiting import POLL_S, wait_until

UP_WITHIN_S, HEALTHY_WITHIN_S = 600.0, 120.0
API_PORT = 8474
LOG_LINES = 12

Say = Callable[[str], None]


def start_stack(
    spec: StackSpec, state_path: Path, logs: Path, cancelled: Callable[[], bool] = lambda: False, say: Say = print
) -> RunningStack:
    """Start everything and wait until it is well. What it starts is in `state_path` from the first moment.

    Raises HarnessError, with the end of the log that says why, and leaves nothing behind then.
    """
    start_up = _StartUp(spec, state_path, logs, cancelled, say)
    try:
        start_up.all()
    except BaseException:
        take_down(start_up.state)
        raise
    return RunningStack(start_up.state)


class _StartUp:
    """One start of a stack; `state` is at all times what is on disk."""

    def __init__(self, spec: StackSpec, state_path: Path, logs: Path, cancelled: Callable[[], bool], say: Say) -> None:
        self._spec, self._path, self._logs, self._cancelled, self._say = spec, state_path, logs, cancelled, say
        self._engine = Engine.connect()
        self.state = StackState(kind="docker", compose_file=str(spec.path.resolve()), variables=dict(spec.variables))

    def all(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        spec = self._spec
        files = ComposeFiles(spec.files)
        own_name = compose.resolve(files)["name"]
        run = secrets.token_hex(3)
        project = f"{own_name}-hx-{run}"
        resolved = compose.resolve(files, project)
        entry_port, api_port = free_ports(2)
        override = isolation.isolate(
            resolved,
            own_name,
            {spec.entry_service: (spec.entry_port, entry_port), spec.toxiproxy: (API_PORT, api_port)},
            f"{RUN_LABEL}={run}",
        )
        folder = Path(tempfile.mkdtemp(prefix="harness-stack-"))
        self._change(folders=(str(folder),), notes=str(folder), project=project)
        override_path = folder / "override.yml"
        override_path.touch(mode=0o600)
        override_path.write_text(isolation.to_yaml(override), encoding="utf-8")
        ours = ComposeFiles((*files.paths, override_path), files.profiles)
        self._up(ours, project, resolved)
        self._change(services=self._services(project, entry_port))
        self._wait_healthy(project)
        self._links(api_port, entry_port)

    def _up(self, files: ComposeFiles, project: str, resolved: dict[str, Any]) -> None:
        log = self._logs / "compose.log"
        log.unlink(missing_ok=True)  # of an earlier start of a kept stack
        build = any("build" in body for body in resolved["services"].values())
        child = compose.up(files, project, log, build=build)
        self._change(owned=(*self.state.owned, child.id))
        told = _Progress(log, project, self._say)
        deadline = time.monotonic() + UP_WITHIN_S
        while child.ended() is None and not self._cancelled() and time.monotonic() < deadline:
            told.look()
            wait_until(lambda: child.ended() is not None, 10 * POLL_S)
        told.look()
        ended = child.ended()
        child.end()
        self._change(owned=tuple(one for one in self.state.owned if one.pid != child.pid))
        if self._cancelled():
            raise StartError("called off while the stack was starting")
        if ended != "exit code 0":
            how = f"ended with {ended}" if ended else f"was not done within {UP_WITHIN_S:g} s"
            raise StartError(f"docker compose up {how}:\n{compose.failure(log)}{self._why(project)}")

    def _services(self, project: str, entry_port: int) -> tuple[RunningService, ...]:
        found = []
        for body in self._engine.containers(project):
            name = body["Config"]["Labels"][SERVICE_LABEL]
            number = body["Config"]["Labels"].get("com.docker.compose.container-number", "1")
            called = name if number == "1" else f"{name}-{number}"
            address = f"127.0.0.1:{entry_port}" if name == self._spec.entry_service else _address(body)
            found.append(
                RunningService(
                    called,
                    address,
                    str((self._logs / f"{called}.log").resolve()),
                    self._engine.process_of(body, called),
                    container=pristine.capture(self._engine, body),
                    disks=dict.fromkeys(pristine.disks(body), ""),
                )
            )
        return tuple(sorted(found, key=lambda one: one.name))

    def _wait_healthy(self, project: str) -> None:
        """Every container healthy where it says how it does, running where it does not, or ended well as jobs do."""
        waiting = {one.name: one.container.id for one in self.state.services if one.container}

        def well() -> bool:
            for name, container in list(waiting.items()):
                try:
                    state = self._engine.inspect(container)["State"]
                except NotFound:
                    raise StartError(f"the container of {name} is gone{self._why(project)}") from None
                health = (state.get("Health") or {}).get("Status", "")
                if state["Running"] and health in ("", "none", "healthy"):
                    del waiting[name]
                elif not state["Running"] and not state.get("Restarting"):
                    if state["ExitCode"] != 0:
                        raise StartError(f"{name} ended with exit code {state['ExitCode']}{self._why(project)}")
                    del waiting[name]
            return not waiting

        if not wait_until(well, HEALTHY_WITHIN_S, cancelled=self._cancelled):
            if self._cancelled():
                raise StartError("called off while the stack was starting")
            names = ", ".join(waiting)
            raise StartError(f"not healthy within {HEALTHY_WITHIN_S:g} s: {names}{self._why(project)}")

    def _links(self, api_port: int, entry_port: int) -> None:
        client = ToxiproxyClient(f"http://127.0.0.1:{api_port}")
        if not wait_until(lambda: listens("127.0.0.1", api_port), 10.0, cancelled=self._cancelled):
            raise StartError(f"Toxiproxy's API does not answer at {client.url}{self._why(self.state.project)}")
        there = client.proxies()
        links, proxies = [], []
        for link in self._spec.links.values():
            proxy = there.get(link.name)
            if proxy is None:
                raise StartError(
                    f"Toxiproxy has no proxy {link.name}; one that could not listen takes those after it down too: "
                    f"see {self._logs / self._spec.toxiproxy}.log"
                )
            links.append(RunningLink(link.name, link.client, link.service, proxy.listen, proxy.upstream))
            proxies.append(proxy)
        if not wait_until(lambda: listens("127.0.0.1", entry_port), 30.0, cancelled=self._cancelled):
            raise StartError(
                f"{self._spec.entry_service} does not listen on its port {self._spec.entry_port}; "
                f"correct x-harness.entry{self._why(self.state.project)}"
            )
        self._change(
            toxiproxy_url=client.url,
            toxiproxy=self._spec.toxiproxy,
            links=tuple(links),
            proxies=tuple(_plain(proxy) for proxy in proxies),
            entry=f"http://127.0.0.1:{entry_port}",
            entry_service=self._spec.entry_service,
        )

    def _change(self, **fields: Any) -> None:
        self.state = replace(self.state, **fields)
        write(self._path, self.state)

    def _why(self, project: str) -> str:
        """The last lines of what did not come up."""
        said = ""
        for body in self._engine.containers(project):
            state = body["State"]
            unhealthy = (state.get("Health") or {}).get("Status") == "unhealthy"
            if unhealthy or (not state["Running"] and state["ExitCode"] != 0):
                name = body["Config"]["Labels"][SERVICE_LABEL]
                how = "is not healthy" if unhealthy else f"ended with exit code {state['ExitCode']}"
                with contextlib.suppress(NotFound):
                    lines = self._engine.logs(body["Id"], LOG_LINES).decode(errors="replace").splitlines()
                    said += f"\n{name} {how}; the end of its log:\n" + "\n".join(f"    {line}" for line in lines)
        return said


class _Progress:
    """Tells of each service as Compose brings it up."""

    def __init__(self, log: Path, project: str, say: Say) -> None:
        self._log, self._project, self._say = log, project, say
        self._read = 0

    def look(self) -> None:
        with contextlib.suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
            for line in lines[self._read :]:
                words = line.split()
                if len(words) >= 3 and words[0] == "Container" and words[-1] in ("Started", "Healthy", "Exited"):
                    name = words[1].removeprefix(f"{self._project}-").rpartition("-")[0]
                    self._say(f"  {name}: {words[-1].lower()}")
            self._read = len(lines)


def _address(body: dict[str, Any]) -> str:
    addresses = [one.get("IPAddress") for one in body["NetworkSettings"]["Networks"].values()]
    return next((address for address in addresses if address), "")


def _plain(proxy: ProxyState) -> ProxyState:
    return replace(proxy, enabled=True, toxics=())
