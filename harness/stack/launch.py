"""How a service of the embedded stack is started again, by whoever must: the run, the guardian, `harness heal`.

A record of its own in the stack's private folder, since its environment holds secrets that have no place in a report.
The record also says which process it is now.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from harness.errors import StartError
from harness.stack.child import Child, ProcessId, identify, start
from harness.stack.deploys import Deploy, deploy_now, to_take_back
from harness.stack.shell import STEP_VARIABLE
from harness.waiting import wait_until

LASTS_S, STARTS_WITHIN_S = 0.3, 8.0
STACK_VARIABLE = "RESILIENCE_HARNESS_STACK"
"""In the environment of all that a stack starts: its private folder, by which what no record tells of is found."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What starts a service: `path` is where this record is kept (mode 0600). `deploys` has the last one last."""

    path: str
    name: str
    command: tuple[str, ...]
    log: str
    environment: Mapping[str, str] | None = None
    folder: str | None = None
    user: int | None = None
    group: int | None = None
    stop_signal: int = 15
    process: ProcessId | None = None
    deploys: tuple[Deploy, ...] = ()

    def begin(self) -> Child:
        """Start it, and write down which process it is. Raises StartError."""
        given = dict(os.environ if self.environment is None else self.environment)
        given.pop(STEP_VARIABLE, None)  # a runbook's step that starts a service ends, the service does not
        child = start(
            self.name,
            self.command,
            Path(self.log),
            environment={**given, STACK_VARIABLE: str(Path(self.path).parent)},
            folder=Path(self.folder) if self.folder else None,
            user=self.user,
            group=self.group,
            stop_signal=self.stop_signal,
        )
        replace(self, process=child.id)._write()
        return child

    def again(self) -> ProcessId:
        """Start it again, if need be some times: what is left of the last one may stand in the way for a moment.

        Whoever else would start it at the same time waits, and finds that it runs. Raises StartError when it ends at
        once each time, or its stack is gone.
        """
        with self._alone():
            found = read(self.path)
            if found is not None and found.process is not None and found.process.alive():
                return found.process
            return self._again()

    def changed(self, variables: Mapping[str, str], within_s: float) -> ProcessId:
        """A deploy: end it, and start it with these variables changed. Raises StartError as again()."""
        with self._alone():
            found = self._found()
            before = {name: (found.environment or {}).get(name) for name in variables}
            return replace(found, deploys=(*found.deploys, deploy_now(before)))._anew(variables, within_s)

    def back(self, within_s: float, named: str = "") -> ProcessId:
        """The same with what the last deploy changed. Raises HarnessError as to_take_back()."""
        with self._alone():
            found = self._found()
            last = to_take_back(found.deploys, self.name, named)
            return replace(found, deploys=found.deploys[:-1])._anew(last.before, within_s)

    def _found(self) -> Launch:
        found = read(self.path)
        if found is None:
            raise StartError(f"{self.name} cannot be started again: its stack is gone")
        return found

    def _anew(self, variables: Mapping[str, str | None], within_s: float) -> ProcessId:
        environment = {**(os.environ if self.environment is None else self.environment), **variables}
        fresh = replace(self, environment={name: one for name, one in environment.items() if one is not None})
        fresh._write()
        if fresh.process is not None:
            fresh.process.end(within_s)
        return fresh._again()

    def _again(self) -> ProcessId:
        tries: list[Child] = []

        def lasts() -> bool:
            if not tries or tries[-1].ended() is not None:
                tries.append(self.begin())
            newest = tries[-1]
            return not wait_until(lambda: newest.ended() is not None, LASTS_S)

        if not wait_until(lasts, STARTS_WITHIN_S):
            raise StartError(f"{self.name} does not start again; its log is {self.log}")
        return tries[-1].id

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            lock = os.open(f"{self.path}.lock", os.O_CREAT | os.O_WRONLY, 0o600)
        except OSError as error:
            raise StartError(f"{self.name} cannot be started again: its stack is gone") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self) -> None:
        path = Path(self.path)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.replace(path)


def record(folder: Path, name: str, command: Sequence[str | Path], log: Path) -> Launch:
    """A record in the stack's private folder; nothing is started yet."""
    return Launch(str(folder / f"launch-{name}.json"), name, tuple(map(str, command)), str(log))


def stragglers(folder: str) -> list[ProcessId]:
    """What was started for the stack of that folder and lives: the harness may have died before it wrote it down."""
    found = []
    wanted = f"{STACK_VARIABLE}={folder}".encode()
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(identify(f"process {pid}", pid))
    return [one for one in found if one is not None]


def read(path: str) -> Launch | None:
    """The record, with the process that it is now; None when it is gone, since the stack is."""
    try:
        body = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    process = body.pop("process")
    body |= {"command": tuple(body["command"]), "deploys": tuple(Deploy(**one) for one in body.get("deploys", ()))}
    return Launch(**body, process=ProcessId(**process) if process else None)
