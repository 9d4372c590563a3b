"""What an engineer does to a stack of containers by hand: what hands.py says, through the engine."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from docker.errors import NotFound

from harness.errors import StartError, one_of
from harness.stack import compose_yaml
from harness.stack.deploys import Deploy
from harness.stack.docker import pristine
from harness.stack.docker.engine import Engine
from harness.stack.docker.powers import begin, grace_s
from harness.stack.docker.redeploy import back, changed, deploys, refuse_what_is_laid_inside
from harness.stack.state import ContainerState, StackState
from harness.waiting import wait_until

READY_WITHIN_S = 60.0


class DockerHands:
    """Implements Hands over the containers of a stack."""

    def __init__(self, state: StackState, path: Path) -> None:
        self._state, self._path, self._engine = state, path, Engine.connect()

    def start(self, service: str) -> bool:
        body = self._body(service)
        if note := self._state.ending_note(service):
            note.unlink(missing_ok=True)  # it was asked to end; now it is to run
        if body["State"]["Paused"]:
            self._engine.unpause(body["Id"])
        began = begin(self._engine, body)
        self._wait_ready(service)
        return began

    def stop(self, service: str) -> bool:
        body = self._body(service)
        if not body["State"]["Running"]:
            return False
        if body["State"]["Paused"]:
            self._engine.unpause(body["Id"])
        self._engine.stop(body["Id"], grace_s(body))
        return True

    def log(self, service: str, lines: int) -> str:
        return self._engine.logs(self._body(service)["Id"], lines).decode("utf-8", errors="replace").rstrip("\n")

    def execute(self, service: str, command: Sequence[str]) -> NoReturn:
        """Never returns: the process ends with the command's exit code."""
        body = self._body(service)
        with self._engine.executing(body, command, _to_postgres(body)) as execution:

            def on_signal(number: int, frame: FrameType | None) -> None:
                execution.kill()
                os._exit(128 + number)

            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, on_signal)
            for stream, piece in execution.pieces():
                to = sys.stderr if stream == 2 else sys.stdout
                to.buffer.write(piece)
                to.buffer.flush()
            code = execution.exit_code()
        sys.exit(code)

    def deploy(self, service: str, variables: Mapping[str, str]) -> None:
        body = self._body(service)
        self._refuse(service, body)
        self._engine.replace(body, changed(body, variables), pristine.endpoints(body))
        self._wait_ready(service)

    def deploys(self, service: str) -> Sequence[Deploy]:
        return deploys(self._body(service))

    def back(self, service: str, deploy: str = "") -> None:
        body = self._body(service)
        self._engine.replace(body, back(body, service, deploy), pristine.endpoints(body))
        self._wait_ready(service)

    def _refuse(self, service: str, body: Mapping[str, Any]) -> None:
        found = compose_yaml.read(Path(self._state.compose_file))["services"].get(service) or {}
        targets = [str(one.get("target")) for one in found.get("configs") or () if isinstance(one, dict)]
        refuse_what_is_laid_inside(body, targets)

    def _body(self, service: str) -> dict[str, Any]:
        try:
            return self._engine.inspect(self._container(service).id)
        except NotFound:
            raise StartError(
                f"the container of {service} is gone; take the stack down with `harness stack down`"
            ) from None

    def _container(self, service: str) -> ContainerState:
        containers = {one.name: one.container for one in self._state.services if one.container is not None}
        if service not in containers:
            raise StartError(one_of("service", service, containers, where="the stack"))
        return containers[service]

    def _wait_ready(self, service: str) -> None:
        """Healthy, where its image or the Compose file says how to tell; else running."""

        def state() -> str:
            found = self._body(service)["State"]
            return str(found["Health"]["Status"] if found.get("Health") and found["Running"] else found["Status"])

        if not wait_until(lambda: state() in ("healthy", "running", "exited", "dead"), READY_WITHIN_S):
            raise StartError(f"{service} was not healthy within {READY_WITHIN_S:g} s; {self._end_of(service)}")
        if state() in ("exited", "dead"):
            raise StartError(f"{service} ended before it was ready; {self._end_of(service)}")

    def _end_of(self, service: str) -> str:
        log = self._engine.logs(self._container(service).id, 12).decode(errors="replace")
        return "the end of its log:\n" + "\n".join(f"    {line}" for line in log.splitlines())


def _to_postgres(body: Mapping[str, Any]) -> dict[str, str]:
    """The variables by which the clients in PostgreSQL's image find it, by an address at which it wants a password;
    none for another image."""
    given = dict(one.partition("=")[::2] for one in body["Config"]["Env"] or ())
    if "POSTGRES_PASSWORD" not in given and "PGDATA" not in given:
        return {}
    user = given.get("POSTGRES_USER", "postgres")
    networks = body["NetworkSettings"].get("Networks") or {}
    return {
        "PGHOST": next((one["IPAddress"] for one in networks.values() if one.get("IPAddress")), "127.0.0.1"),
        "PGPORT": "5432",
        "PGUSER": user,
        "PGPASSWORD": given.get("POSTGRES_PASSWORD", ""),
        "PGDATABASE": given.get("POSTGRES_DB", user),
        "PGDATA": given.get("PGDATA", "/var/lib/postgresql/data"),
        "PGCONNECT_TIMEOUT": "5",
    }
