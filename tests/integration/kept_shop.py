"""The shop as a kept stack of either kind, broken by a test, and seen by whoever uses it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import requests

from harness.stack import process_tree
from harness.stack import state as states
from harness.stack.child import ProcessId
from harness.stack.docker.engine import PROJECT_LABEL, Engine
from harness.stack.running import RunningStack
from harness.stack.state import RunningService, StackState
from harness.stack.whereabouts import current_process
from tests.integration.project import Project, wait_for

DATA = "/var/lib/postgresql/data"
PORTS = {"payments": 8080, "postgres": 5432}


@dataclass
class KeptShop:
    """The kept stack of a project, as a run that attached to it breaks it, and as a client meets it."""

    kind: str
    project: Project
    state: StackState
    stack: RunningStack

    # ------------------------------------------------------------------------------------------------- from outside

    def service(self, name: str) -> RunningService:
        return next(one for one in self.state.services if one.name == name)

    def process(self, name: str) -> ProcessId | None:
        return current_process(self.service(name))

    def address(self, name: str) -> tuple[str, int]:
        """Where a service listens now: a container may have another address than it had."""
        container = self.service(name).container
        if container is None or name == self.state.entry_service:
            host, _, port = self.service(name).address.rpartition(":")
            return host, int(port)
        networks = Engine.connect().inspect(container.id)["NetworkSettings"]["Networks"]
        return next(one["IPAddress"] for one in networks.values()), PORTS[name]

    def get(self, path: str, timeout_s: float = 3.0) -> int:
        """The status of the shop's answer."""
        return requests.get(f"{self.state.entry}{path}", timeout=timeout_s).status_code

    def buy(self) -> int:
        basket = {"product_id": 1, "quantity": 1, "customer": "a test"}
        return requests.post(f"{self.state.entry}/checkout", json=basket, timeout=5).status_code

    def sells(self) -> bool:
        try:
            return self.buy() == 201
        except requests.RequestException:
            return False

    @contextlib.contextmanager
    def dialled(self, name: str, timeout_s: float = 1.0) -> Iterator[socket.socket]:
        with socket.create_connection(self.address(name), timeout=timeout_s) as connection:
            yield connection

    def query(self, text: str, timeout_s: float = 10.0) -> list[Any]:
        """Straight to the database, on a connection of its own."""

        async def ask() -> list[Any]:
            host, port = self.address("postgres")
            connection = await asyncpg.connect(
                host=host, port=port, user="shop", password="shop", database="shop", timeout=timeout_s
            )
            try:
                return list(await connection.fetch(text, timeout=timeout_s))
            finally:
                connection.terminate()

        return asyncio.run(ask())

    def cores_used(self, name: str, over_s: float) -> float:
        process = self.process(name)
        assert process is not None
        members, began = process_tree.pids(process), time.monotonic()
        before_s = process_tree.cpu_s(members)
        time.sleep(over_s)
        return (process_tree.cpu_s(members) - before_s) / (time.monotonic() - began)

    def inspect(self, name: str) -> dict[str, Any]:
        container = self.service(name).container
        assert container is not None
        return Engine.connect().inspect(container.id)

    # --------------------------------------------------------------------------------------------- what is out of place

    def out_of_place(self) -> list[str]:
        """Read from outside the harness: what a stack that is well does not have."""
        found = []
        for one in self.state.services:
            process = self.process(one.name)
            if process is None or not process.alive():
                found.append(f"{one.name} does not run")
            elif self.kind == "embedded" and process_tree.held_still(process):
                found.append(f"{one.name} is stopped")
            found += [f"{one.name} {sentence}" for sentence in self._container_out_of_place(one)]
        folder = self.data_folder()
        found += [f"ballast {path}" for path in folder.glob(".resilience-harness*")]
        return found

    def _container_out_of_place(self, service: RunningService) -> Iterator[str]:
        if service.container is None:
            return
        body = self.inspect(service.name)
        how, networks = body["HostConfig"], body["NetworkSettings"]["Networks"]
        if body["State"]["Paused"]:
            yield "is paused"
        for one in service.container.endpoints:
            if service.name not in (networks.get(one.name) or {}).get("Aliases", ()):
                yield f"is not on {one.name} by its name"
        if how.get("CpuQuota", 0) > 0 or 0 < how.get("Memory", 0) < 10**9:
            yield "is squeezed"
        if Path(body["ResolvConfPath"]).read_text(encoding="utf-8") != service.container.resolv_conf:
            yield "has another resolv.conf"

    def data_folder(self) -> Path:
        """The database's disk, as this machine sees it."""
        service = self.service("postgres")
        if service.container is None:
            return Path(service.disks[DATA])
        mounts = self.inspect("postgres")["Mounts"]
        return Path(next(one["Source"] for one in mounts if one["Destination"] == DATA))

    def wait_well(self, within_s: float) -> None:
        wait_for(lambda: not self.out_of_place(), within_s, f"nothing out of place ({self.out_of_place()})")

    def wait_sells(self, within_s: float = 20) -> None:
        wait_for(self.sells, within_s, "an order taken")


@contextlib.contextmanager
def kept_shop(folder: Path, kind: str, **variables: str) -> Iterator[KeptShop]:
    """The shop, kept while it is used; nothing of it is left after."""
    project = Project(folder)
    done = project.run("stack", "up", "--stack", kind, **variables)
    assert done.returncode == 0, done.stdout
    path = folder / ".harness" / "stack.json"
    state = states.read(path)
    try:
        yield KeptShop(kind, project, state, RunningStack(state.attached()))
    finally:
        project.end_runs()  # of a test that failed: a stack that is in use is not taken down
        done = project.run("stack", "down")
        assert done.returncode == 0, done.stdout
        assert left_of(state) == []


def left_of(state: StackState) -> list[str]:
    """What of a stack that was taken down is still there: folders, mounts, containers, networks, volumes."""
    left = [folder for folder in state.folders if Path(folder).exists()]
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    left += [folder for folder in state.folders if folder in mounts]
    if state.project:
        label = f"label={PROJECT_LABEL}={state.project}"
        for kind, names in (("ps", "{{.Names}}"), ("network", "{{.Name}}"), ("volume", "{{.Name}}")):
            command = [
                "docker",
                *([kind, "-a"] if kind == "ps" else [kind, "ls"]),
                "--filter",
                label,
                "--format",
                names,
            ]
            left += subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.split()
    return left
