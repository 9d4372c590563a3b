"""What the Docker stack can do to a service: to its container, through the engine."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from typing import Any

from docker.errors import NotFound

from harness.errors import EngineError
from harness.stack.ballast import NAME as BALLAST
from harness.stack.ballast import leave_free
from harness.stack.child import ProcessId
from harness.stack.docker import health, pristine
from harness.stack.docker.disasters import empty_volumes, run_sql
from harness.stack.docker.engine import Engine
from harness.stack.docker.redeploy import changed
from harness.stack.docker.resolv_conf import NO_DNS, write_resolv_conf
from harness.stack.service import cannot
from harness.stack.state import ContainerState, RunningService
from harness.waiting import wait_until

ENDED_WITHIN_S = 5.0
STOP_WITHIN_S = 10
"""What Docker gives a container to end, where it says nothing else (stop_grace_period)."""
HELD = ("resource busy", "unable to set memory limit")
"""How a limit of memory is refused that is below what is held: by the kernel, and by newer runtimes."""


class ContainerPowers:
    """Implements service.Powers over one container."""

    def __init__(self, service: RunningService, may_end: bool = False) -> None:
        """`may_end`: it may be a job, which is done when it ends well."""
        assert service.container is not None
        self._name, self._may_end, self._was_stopped = service.name, may_end, False
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
            body = self._engine.inspect(self._container.id)  # it may have been started anew, by its restart policy
        except NotFound:
            return False
        self._process = self._engine.process_of(body, self._name)
        return bool(body["State"]["Running"])  # true of one that is restarting too

    def is_done(self) -> bool:
        return self._may_end and not self._was_stopped and health.ended_well(self._body())

    def kill(self) -> None:
        body = self._body()
        process = self._engine.process_of(body, self._name)
        if body["HostConfig"]["RestartPolicy"]["Name"] in ("", "no") or process is None:
            self._engine.kill(self._container.id)
            return
        # what the engine's own kill ends stays down: a crash is a signal that it did not send
        try:
            os.kill(process.pid, signal.SIGKILL)
        except PermissionError:
            self._engine.kill(self._container.id)
            return
        except ProcessLookupError:
            return
        if body["State"]["Paused"]:
            self._engine.unpause(self._container.id)  # a frozen process dies when it goes on
        wait_until(lambda: not process.alive(), ENDED_WITHIN_S)

    def stop(self) -> None:
        self._was_stopped = True
        self._engine.stop(self._container.id, grace_s(self._body()))

    def start(self) -> bool:
        if not self._container.running or self.is_done():
            return False
        started = begin(self._engine, self._body())
        self._was_stopped = False
        return started

    def freeze(self) -> None:
        self._engine.pause(self._container.id)

    def thaw(self) -> None:
        self._engine.unpause(self._container.id)

    def limit_cpu(self, cores: float | None) -> None:
        had = self._container.cpu_cores
        wanted = had if cores is None else min(cores, had or cores)
        self._engine.update(self._container.id, pristine.cpu_limits(self._body(), wanted))

    def limit_memory(self, limit_bytes: int | None) -> None:
        wanted, swap = self._container.memory_bytes, self._container.memory_swap_bytes
        if limit_bytes is not None and (wanted is None or limit_bytes < wanted):  # else it has no more already
            wanted = swap = limit_bytes
        try:
            self._engine.update(self._container.id, pristine.memory_limits(self._engine, wanted, swap))
        except EngineError as error:
            if not any(said in str(error) for said in HELD):
                raise
            self._engine.kill(self._container.id)  # cgroup v1 refuses, v2 kills for it, and so do we

    def limit_disk(self, path: str, free_bytes: int | None) -> None:
        self._fill(path, free_bytes)

    def leave_junk(self, path: str, name: str, free_bytes: int) -> None:
        self._fill(path, free_bytes, name)

    def _fill(self, path: str, free_bytes: int | None, name: str = BALLAST) -> None:
        body = self._body()
        folder = pristine.disk_folder(self._engine, body, path)
        if folder is None and not body["State"]["Running"]:
            return  # a tmpfs that went with it
        if folder is None or not os.access(folder, os.W_OK):
            listed = f" (of its own: {', '.join(pristine.disks(body)) or 'none'})"
            raise cannot(
                self._name,
                f"a full disk at {path}",
                f"it must be a volume or a tmpfs of its own{listed}, by a path without symbolic links, and we root on "
                "the machine of the Docker Engine",
            )
        leave_free(folder, free_bytes, self._name, name)

    def leave_networks(self) -> None:
        if not self._container.endpoints:
            raise cannot(self._name, "a network partition", "it has no network of its own (network_mode); break a link")
        for one in pristine.endpoints(self._body()):
            self._engine.disconnect_network(self._container.id, one.network)

    def join_networks(self) -> None:
        join_networks(self._engine, self._body(), self._container)

    def break_dns(self) -> None:
        if not self._container.resolv_conf:
            raise cannot(self._name, "a DNS failure", "its /etc/resolv.conf cannot be read; run as root")
        write_resolv_conf(self._engine, self._body(), NO_DNS, self._name)

    def mend_dns(self) -> None:
        body = self._body()
        if body["State"]["Running"]:  # one that is down gets a new one when it starts
            write_resolv_conf(self._engine, body, self._container.resolv_conf, self._name)

    def lose_data(self) -> None:
        empty_volumes(self._engine, self._body(), self._name)

    def deploy(self, variables: Mapping[str, str]) -> None:
        body = self._body()
        self._engine.replace(body, changed(body, variables), pristine.endpoints(body))
        self._process = None

    def run_sql(self, statement: str, hold: bool) -> None:
        run_sql(self._engine, self._body(), statement, hold, self._name)

    def let_go(self) -> None: ...


def grace_s(body: Mapping[str, Any]) -> int:
    """How long a container may take to end when it is asked to."""
    given = body["Config"].get("StopTimeout")
    return STOP_WITHIN_S if given is None else int(given)


def begin(engine: Engine, body: Mapping[str, Any]) -> bool:
    """Start a container where it does not run, at once where it waits to be restarted; whether it had to be."""
    state = body["State"]
    if state["Running"] and not state.get("Restarting"):
        return False
    if state.get("Restarting"):
        engine.stop(body["Id"], 0)
    engine.start(body["Id"])

    def has_begun() -> bool:
        now = engine.inspect(body["Id"])
        return bool(now["State"]["Running"]) or health.ended_well(now)

    wait_until(has_begun, ENDED_WITHIN_S)
    return True


def end_at_once(engine: Engine, container: str) -> None:
    """Kill a container that was asked to end, and wait until it has."""
    with contextlib.suppress(NotFound):
        engine.kill(container)
        wait_until(lambda: not engine.inspect(container)["State"]["Running"], ENDED_WITHIN_S)


def join_networks(engine: Engine, body: Mapping[str, Any], container: ContainerState) -> None:
    """Put it on all of its networks again, where it is not, or not by its names."""
    there = {one.name for one in pristine.endpoints(body)}
    gone = []
    for one in pristine.missing_endpoints(container, body):
        try:
            if one.name in there:
                engine.disconnect_network(container.id, one.network)
            engine.connect_network(container.id, one)
        except NotFound as error:
            gone.append(f"{one.name}: {error.explanation}")
    if gone:
        raise EngineError(f"cannot be put on its networks again: {'; '.join(gone)}")
