"""What the Docker stack can do to a service: to its container, through the engine."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from harness.errors import EngineError
from harness.stack.ballast import empty, fill
from harness.stack.child import ProcessId
from harness.stack.docker import pristine
from harness.stack.docker.engine import Engine
from harness.stack.service import cannot
from harness.stack.state import ContainerState, RunningService
from harness.waiting import wait_until
from harness.world import POWERS

CAN = frozenset(POWERS)
ENDED_WITHIN_S = 5.0
STOP_WITHIN_S = 10


class ContainerPowers:
    """Implements service.Powers over one container."""

    def __init__(self, service: RunningService) -> None:
        assert service.container is not None
        self._name = service.name
        self._container: ContainerState = service.container
        self._engine = Engine.connect()
        self._process: ProcessId | None = service.process

    def _body(self) -> dict[str, Any]:
        try:
            return self._engine.inspect(self._container.id)
        except NotFound as error:
            raise EngineError(f"the container of {self._name} is gone") from error

    def alive(self) -> bool:
        if self._process is not None and self._process.alive():
            return True
        try:
            state = self._body()["State"]  # it may have been started anew, by its own restart policy
        except EngineError:
            return False
        self._process = self._engine.process(self._container.id, self._name)
        return bool(state["Running"] or state.get("Restarting"))

    def kill(self) -> None:
        body = self._body()
        restarts = body["HostConfig"]["RestartPolicy"]["Name"] not in ("", "no")
        pid = int(body["State"]["Pid"])
        if restarts and pid:
            # what the engine's own kill ends stays down: a crash is a signal that it did not send
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                return
        self._engine.kill(self._container.id)

    def stop(self) -> None:
        self._engine.stop(self._container.id, STOP_WITHIN_S)

    def start(self) -> None:
        if not self._body()["State"]["Running"]:
            self._engine.start(self._container.id)

    def freeze(self) -> None:
        self._engine.pause(self._container.id)

    def thaw(self) -> None:
        self._engine.unpause(self._container.id)

    def limit_cpu(self, cores: float | None) -> None:
        limits = pristine.cpu_limits(self._body(), cores if cores is not None else self._container.cpu_cores)
        self._engine.update(self._container.id, limits)

    def limit_memory(self, limit_bytes: int | None) -> None:
        wanted = limit_bytes if limit_bytes is not None else self._container.memory_bytes
        try:
            self._engine.update(self._container.id, pristine.memory_limits(self._engine, wanted))
        except EngineError:
            if limit_bytes is None:
                raise
            # an older kernel refuses a limit below what is held; a newer one kills, and so do we
            self._engine.kill(self._container.id)

    def fill_disk(self, path: str, free_bytes: int) -> None:
        fill(self._inside(path), free_bytes, self._name)

    def empty_disk(self, path: str) -> None:
        empty(self._inside(path))

    def leave_networks(self) -> None:
        for one in pristine.endpoints(self._body()):
            self._engine.disconnect_network(self._container.id, one.network)

    def join_networks(self) -> None:
        for one in self._container.endpoints:
            self._engine.connect_network(self._container.id, one.network, one.aliases, one.ipv4, one.ipv6)

    def break_dns(self) -> None:
        write_resolv_conf(self._engine, self._body(), pristine.NO_DNS, self._name)

    def mend_dns(self) -> None:
        write_resolv_conf(self._engine, self._body(), self._container.resolv_conf, self._name)

    def _inside(self, path: str) -> Path:
        return inside(self._body(), path, self._name)


def inside(body: Mapping[str, Any], path: str, name: str) -> Path:
    """A folder of a running container as this machine sees it. Raises StartError where it does not."""
    folder = Path(f"/proc/{body['State']['Pid']}/root/{path.lstrip('/')}")
    if not os.access(folder, os.W_OK):
        raise cannot(name, f"a full disk at {path}", "run as root, on the machine of the Docker Engine")
    return folder


def write_resolv_conf(engine: Engine, body: Mapping[str, Any], text: str, name: str) -> None:
    """In place, since the file is mounted: through this machine's own copy, else by the container's shell."""
    try:
        with Path(body["ResolvConfPath"]).open("r+", encoding="utf-8") as file:
            file.truncate()
            file.write(text)
    except OSError as error:
        code, _ = engine.run(body["Id"], ["sh", "-c", f"printf %s '{text}' > /etc/resolv.conf"])
        if code != 0:
            raise cannot(name, "a DNS failure", f"run as root ({error.strerror})") from error


def wait_running(engine: Engine, container: str, within_s: float = ENDED_WITHIN_S) -> bool:
    """Whether it runs, or comes to do so in time."""
    return wait_until(lambda: bool(engine.inspect(container)["State"]["Running"]), within_s)
