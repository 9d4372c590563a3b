"""What an engineer does to a running stack by hand: start, stop and restart a service, run a command in it, deploy it
anew with other variables, and take that back.

Whoever else looks on (the run, the guardian, the next verb) finds in the service's launch record which process it is
now. For containers see docker/hands.py.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from harness.errors import HarnessError, StartError, one_of
from harness.masking import RECORD, remember, secrets_in
from harness.stack import launch as launches
from harness.stack import process_tree
from harness.stack import state as states
from harness.stack.child import last_lines
from harness.stack.compose_file import read_compose_file
from harness.stack.deploys import Deploy
from harness.stack.launch import Launch
from harness.stack.ports import listens
from harness.stack.shell import STEP_VARIABLE
from harness.stack.spec import ServiceSpec, StackSpec
from harness.stack.state import RunningService, StackState
from harness.waiting import wait_until

STACK_PATH = "HARNESS_STACK"
"""The variable that says which stack the verbs act on: the path of its stack.json."""
ENDS_WITHIN_S = 15.0
READY_WITHIN_S = 30.0


class Hands(Protocol):
    """The verbs, on one kind of stack. All raise HarnessError with what to do."""

    def start(self, service: str) -> bool:
        """Start it and wait until it is ready; False where it ran already."""
        ...

    def stop(self, service: str) -> bool:
        """Ask it to end and wait until it has; False where it did not run."""
        ...

    def log(self, service: str, lines: int) -> str:
        """The last lines that it wrote, of all that ran under its name."""
        ...

    def execute(self, service: str, command: Sequence[str]) -> NoReturn:
        """Become that command, in the service's environment."""
        ...

    def deploy(self, service: str, variables: Mapping[str, str]) -> None:
        """Start it anew with these variables changed, and wait until it is ready."""
        ...

    def deploys(self, service: str) -> Sequence[Deploy]:
        """What was deployed to it and not taken back, the last one last."""
        ...

    def back(self, service: str, deploy: str = "") -> None:
        """Start it anew with the variables that it had before its last deploy, and wait until it is ready. Refuses,
        before anything is changed, where the last one is not `deploy`, if that is given."""
        ...


def hands(path: Path) -> Hands:
    """On the stack of that stack.json. Raises HarnessError where there is none."""
    state = states.read(path)
    if state.kind == "docker":
        from harness.stack.docker.hands import DockerHands  # the Docker SDK, where there is a container

        return DockerHands(state, path)
    if state.kind != "embedded":
        raise HarnessError(f"{path} is of no stack that was started here; the verbs of a stack need one")
    return ProcessHands(state)


@dataclass(frozen=True, slots=True)
class _Found:
    """A service, its launch record as it is now, and what the Compose file says of it."""

    service: RunningService
    launch: Launch
    spec: ServiceSpec | None


class ProcessHands:
    """Implements Hands for the embedded stack."""

    def __init__(self, state: StackState) -> None:
        self._state = state
        self._read: StackSpec | None = None

    def start(self, service: str) -> bool:
        one = self._find(service)
        if note := self._state.ending_note(service):
            note.unlink(missing_ok=True)  # it was asked to end; now it is to run
        runs = one.launch.process is not None and one.launch.process.alive()
        if runs and one.launch.process is not None:
            process_tree.send(one.launch.process, signal.SIGCONT)
        else:
            one.launch.again()
        self._wait_ready(one)
        return not runs

    def stop(self, service: str) -> bool:
        process = self._find(service).launch.process
        if process is None or not process.alive():
            return False
        below = process_tree.tree(process)
        process_tree.send(process, signal.SIGCONT)  # what is held still would hear of it too late
        process.end(ENDS_WITHIN_S)
        if not wait_until(lambda: not any(one.is_running() for one in below if one.pid != process.pid), ENDS_WITHIN_S):
            raise StartError(f"{service} has ended, and some of what it had started has not; look with: ps -ef")
        return True

    def log(self, service: str, lines: int) -> str:
        path = Path(self._find(service).launch.log)
        try:
            return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError as error:
            raise HarnessError(f"cannot read {path}: {error.strerror or error}") from error

    def execute(self, service: str, command: Sequence[str]) -> NoReturn:
        one = self._find(service)
        environment = self.environment(service)
        words = [sys.executable if command[0] in ("python", "python3") else command[0], *command[1:]]
        try:
            os.chdir(one.launch.folder or "/")
            if one.launch.user is not None:
                os.setgroups([])
                os.setgid(one.launch.group if one.launch.group is not None else os.getgid())
                os.setuid(one.launch.user)
                environment["HOME"] = "/"
            os.execvpe(words[0], words, environment)
        except OSError as error:
            raise HarnessError(f"{words[0]} cannot be run in {service}: {error.strerror or error}") from error

    def environment(self, service: str) -> dict[str, str]:
        """What a command in that service finds in its environment."""
        one = self._find(service)
        mine = {name: os.environ[name] for name in (STACK_PATH, STEP_VARIABLE) if name in os.environ}
        given = dict(os.environ if one.launch.environment is None else one.launch.environment) | mine
        folders = [str(Path(sys.executable).parent)]
        if one.spec is not None and one.spec.is_postgres and not one.spec.command:
            folders.insert(0, str(Path(one.launch.command[0]).parent))
            given |= self._to_postgres(one, one.spec)
        given["PATH"] = os.pathsep.join([*folders, given.get("PATH", os.defpath)])
        return given

    def deploy(self, service: str, variables: Mapping[str, str], *, wait: bool = True) -> None:
        """Without `wait` it need not become ready, nor last: a deploy that should not have been."""
        one = self._find(service)
        if one.launch.environment is None:
            raise HarnessError(f"{service} takes no variables here: its settings are its own files'; see: stack exec")
        fresh = {name: self._local(value) for name, value in variables.items()}
        folder = Path(one.launch.path).parent
        with contextlib.suppress(OSError, ValueError):
            known = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            remember(folder, {*known, *secrets_in([fresh])})
        with contextlib.nullcontext() if wait else contextlib.suppress(StartError):
            one.launch.changed(fresh, ENDS_WITHIN_S)
        if wait:
            self._wait_ready(self._find(service))

    def deploys(self, service: str) -> Sequence[Deploy]:
        return self._find(service).launch.deploys

    def back(self, service: str, deploy: str = "") -> None:
        self._find(service).launch.back(ENDS_WITHIN_S, deploy)
        self._wait_ready(self._find(service))

    # ------------------------------------------------------------------------------------------------ how it is done

    def _find(self, name: str) -> _Found:
        services = {one.name: one for one in self._state.services}
        if name not in services:
            raise StartError(one_of("service", name, services, where="the stack"))
        found = launches.read(services[name].launch) if services[name].launch else None
        if found is None:
            raise StartError(f"{name} cannot be reached by hand: its stack is gone; see `harness stack status`")
        return _Found(services[name], found, self._spec().services.get(name))

    def _spec(self) -> StackSpec:
        if self._read is None:
            variables = {**os.environ, **self._state.variables}
            self._read = read_compose_file(Path(self._state.compose_file), variables)
        return self._read

    def _wait_ready(self, one: _Found) -> None:
        name, log = one.service.name, Path(one.launch.log)

        def ended() -> bool:
            now = launches.read(one.launch.path)
            return now is None or now.process is None or not now.process.alive()

        is_ready = wait_until(lambda: ended() or self._is_ready(one), READY_WITHIN_S)
        if not is_ready or ended():
            how = "ended before it was ready" if is_ready else f"was not ready within {READY_WITHIN_S:g} s"
            raise StartError(f"{name} {how}; the end of its log, {log}:\n{last_lines(log)}")

    def _is_ready(self, one: _Found) -> bool:
        host, _, port = one.service.address.rpartition(":")
        if one.spec is not None and one.spec.is_postgres and not one.spec.command:
            ask = [str(Path(one.launch.command[0]).parent / "pg_isready"), "-q"]
            given = {**os.environ, **self._to_postgres(one, one.spec)}
            return subprocess.run(ask, env=given, capture_output=True, timeout=10, cwd="/").returncode == 0
        if one.spec is None or not one.spec.ready:
            return listens(host, int(port))
        connection = http.client.HTTPConnection(host, int(port), timeout=2)
        try:
            connection.request("GET", one.spec.ready)
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _to_postgres(self, one: _Found, spec: ServiceSpec) -> dict[str, str]:
        """The variables by which its own clients find it."""
        user = spec.environment.get("POSTGRES_USER", "postgres")
        host, _, port = one.service.address.rpartition(":")
        command = one.launch.command
        return {
            "PGHOST": host,
            "PGPORT": port,
            "PGUSER": user,
            "PGPASSWORD": spec.environment.get("POSTGRES_PASSWORD", ""),
            "PGDATABASE": spec.environment.get("POSTGRES_DB", user),
            "PGDATA": command[command.index("-D") + 1] if "-D" in command else "",
            "PGCONNECT_TIMEOUT": "5",
        }

    def _local(self, value: str) -> str:
        """A value of the Compose file as the embedded stack has it: `toxiproxy:15432` is a loopback address."""
        spec = self._spec()
        links = {one.name: one.listen for one in self._state.links}
        at_toxiproxy = {str(one.listen): links[name] for name, one in spec.links.items() if name in links}

        def one(match: re.Match[str]) -> str:
            if match[1] == spec.toxiproxy and match[2] in at_toxiproxy:
                return at_toxiproxy[match[2]]
            return self._state.reached.get(match[1], match[0])

        names = "|".join(re.escape(name) for name in sorted(self._state.reached, key=len, reverse=True))
        return re.sub(rf"(?<![\w.-])({names}):(\d+)", one, value) if names else value
