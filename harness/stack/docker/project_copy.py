"""A copy of somebody's Compose project, of its own for one run: brought up by Compose, seen by the engine.

Under a project name of the run's, with ports, container names, networks and volumes of its own, so that nothing of the
user's own running copy is touched.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from harness.adopt.yaml_text import Node, dump
from harness.errors import StartError
from harness.masking import mask_files, masked, remember, secrets_in
from harness.stack.child import Child
from harness.stack.docker import compose, health, isolation, pristine
from harness.stack.docker.compose import ComposeFiles
from harness.stack.docker.engine import RUN_LABEL, SERVICE_LABEL, Engine
from harness.stack.docker.powers import grace_s
from harness.stack.state import RunningService, StackState, write
from harness.waiting import POLL_S, wait_until

UP_WITHIN_S = 600.0
LOG, LOG_LINES = "compose.log", 12

Say = Callable[[str], None]
More = Callable[[Mapping[str, Any], Mapping[str, str]], Mapping[str, Node]]
"""Makes what is added to the override, from the resolved copy and our labels."""


class ProjectCopy:
    """One copy; `state` is at all times what is on disk at `state_path`."""

    def __init__(
        self,
        files: ComposeFiles,
        state: StackState,
        state_path: Path,
        logs: Path,
        cancelled: Callable[[], bool],
        say: Say,
    ) -> None:
        self._files, self.state, self._path, self._logs = files, state, state_path, logs
        self.cancelled, self._say = cancelled, say
        self.engine = Engine.connect()
        self._own_runs = ""
        self._secrets: set[str] = set()
        self._images: dict[str, str] = {}
        logs.mkdir(parents=True, exist_ok=True)
        (logs / LOG).unlink(missing_ok=True)  # a kept stack's, of the time before

    def build_own(self, files: ComposeFiles) -> None:
        """Build the images of the harness's own, of a project of its own. Raises StartError."""
        services = compose.to_build(compose.resolve(files))
        self._compose(compose.build(files, "resilience-harness", services, self._logs / LOG))

    def start(
        self, ports: Mapping[str, Mapping[int, int]], more: More, *, own_name: str = "", take_over: bool = False
    ) -> None:
        """Bring it up and wait until all of it is well. Raises HarnessError with the log that says why not.

        `ports` by the service that is met from outside: those of its container, each with one of the loopback.
        `own_name` is the project's, where it is known already. With `take_over` the user's own copy, where it runs, is
        stopped for the time, and started again when ours is taken down.
        """
        own_name = own_name or compose.resolve(self._files)["name"]
        run = secrets.token_hex(3)
        project = f"{own_name}-hx-{run}"
        resolved = compose.resolve(self._files, project)
        self._tell(own_name, resolved)
        labels = {RUN_LABEL: run}
        copied = isolation.isolate(resolved, own_name, ports, labels, self.engine.subnets(), self._variables)
        override = isolation.merged(copied, more(resolved, labels))
        folder = Path(tempfile.mkdtemp(prefix="harness-stack-"))
        self.change(folders=(str(folder),), notes=str(folder), project=project)
        self._secrets = secrets_of(resolved)
        remember(folder, self._secrets)
        path = folder / "override.yml"
        path.touch(mode=0o600)  # it may hold what the project keeps secret
        path.write_text(dump(override), encoding="utf-8")
        self._images = _pulled(resolved, override)
        self._build(own_name, resolved)
        if take_over:
            self._stand_aside(own_name)
        self._up(replace(self._files, paths=(*self._files.paths, path)))
        self.change(services=self._services(ports))
        self._wait_healthy()

    def _tell(self, own_name: str, resolved: Mapping[str, Any]) -> None:
        for line in isolation.left_alone(resolved, self._variables):
            self._say(f"  {line}")
        self._own_runs = own_name if own_name in self.engine.running_projects() else ""

    def _stand_aside(self, own_name: str) -> None:
        running = [body for body in self.engine.containers(own_name) if body["State"]["Running"]]

        def stop(body: Mapping[str, Any]) -> None:
            with contextlib.suppress(NotFound):
                self.engine.stop(body["Id"], grace_s(body))

        if running:
            self._say(f"  {own_name} itself is stopped for the time ({len(running)} containers)")
            self.change(aside=tuple(body["Id"] for body in running))
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(stop, running))

    @property
    def _variables(self) -> Mapping[str, str]:
        return os.environ if self._files.variables is None else self._files.variables

    def change(self, **fields: Any) -> None:
        self.state = replace(self.state, **fields)
        write(self._path, self.state)

    def why(self) -> str:
        """The last lines of what did not come up."""
        said = ""
        for body in self.engine.containers(self.state.project):
            if trouble := health.trouble(body):
                name, probe = body["Config"]["Labels"][SERVICE_LABEL], health.probe(body)
                told = f" (its health check says: {masked(probe, self._secrets)})" if probe else ""
                with contextlib.suppress(NotFound):
                    log = masked(self.engine.logs(body["Id"], LOG_LINES).decode(errors="replace"), self._secrets)
                    end = "\n".join(f"    {line}" for line in log.splitlines()) or "    (its log is empty)"
                    said += f"\n{name} {trouble}{told}; the end of its log:\n{end}"
        return said

    def wait(self, ready: Callable[[], bool], within_s: float) -> bool:
        """As wait_until; raises StartError when it was called off."""
        done = wait_until(ready, within_s, cancelled=self.cancelled)
        if not done and self.cancelled():
            raise StartError("called off while the stack was starting")
        return done

    def _build(self, own_name: str, resolved: Mapping[str, Any]) -> None:
        """Each image once, under the project's own name, which an image bears in its labels: what did not change stays
        the same image, and none is left behind without a tag."""
        services = compose.to_build(resolved)
        if services:
            self._compose(compose.build(self._files, own_name, services, self._logs / LOG))

    def _up(self, files: ComposeFiles) -> None:
        self._compose(compose.up(files, self.state.project, self._logs / LOG))

    def _compose(self, child: Child) -> None:
        """Tell how far it is until it is done. Raises StartError where it fails."""
        self.change(owned=(*self.state.owned, child.id))
        told = _Progress(child.log, self.state.project, self._say)
        deadline = time.monotonic() + UP_WITHIN_S
        while child.ended() is None and not self.cancelled() and time.monotonic() < deadline:
            told.look()
            wait_until(lambda: child.ended() is not None, 10 * POLL_S)
        told.look()
        ended = child.ended()
        child.end()
        mask_files(self.state.folders, [str(child.log)])
        self.change(owned=tuple(one for one in self.state.owned if one.pid != child.pid))
        if self.cancelled():
            raise StartError("called off while the stack was starting")
        if ended != "exit code 0":
            how = f"ended with {ended}" if ended else f"was not done within {UP_WITHIN_S:g} s"
            beside = (
                f"\n{self._own_runs} itself is running; if the two cannot run side by side, stop it, or let it be "
                "stopped for the time with --take-over"
                if self._own_runs and not self.state.aside
                else ""
            )
            raise StartError(f"{child.name} {how}:\n{compose.failure(child.log)}{self._not_here()}{self.why()}{beside}")

    def _not_here(self) -> str:
        """The images that are missing, with whose they are."""
        missing = [f"{image} (of {name})" for name, image in self._images.items() if not self.engine.has_image(image)]
        if not missing:
            return ""
        return (
            f"\nnot here, and not pulled: {', '.join(missing)}; correct the name, log in (docker login), or bring it "
            "here with docker pull, load or build"
        )

    def _services(self, ports: Mapping[str, Mapping[int, int]]) -> tuple[RunningService, ...]:
        found = []
        for body in self.engine.containers(self.state.project):
            name = body["Config"]["Labels"][SERVICE_LABEL]
            found.append(
                RunningService(
                    name,
                    f"127.0.0.1:{next(iter(ports[name].values()))}" if name in ports else _address(body),
                    str((self._logs / f"{name}.log").resolve()),
                    self.engine.process_of(body, name),
                    container=pristine.capture(self.engine, body),
                    disks=dict.fromkeys(pristine.disks(body), ""),
                )
            )
        return tuple(sorted(found, key=lambda one: one.name))

    def _wait_healthy(self) -> None:
        """Until every container is well. Raises StartError as soon as one is lost, or takes longer than it says."""
        waiting = {one.name: one.container.id for one in self.state.services if one.container}

        def well() -> bool:
            for name, container in list(waiting.items()):
                try:
                    body = self.engine.inspect(container)
                except NotFound:
                    raise StartError(f"the container of {name} is gone{self.why()}") from None
                if health.is_lost(body):
                    raise StartError(f"the stack does not come up:{self.why()}")
                if health.is_well(body):
                    del waiting[name]
            return not waiting

        within_s = max((health.patience_s(self.engine.inspect(one)) for one in waiting.values()), default=0.0)
        if not self.wait(well, within_s):
            raise StartError(f"not well within {within_s:g} s: {', '.join(waiting)}{self.why()}")


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


def secrets_of(resolved: Mapping[str, Any]) -> set[str]:
    """The secret values of a resolved project. The name of a service is none: it is in every line that is told."""
    return secrets_in(compose.environments(resolved)) - {*resolved["services"]}


def _pulled(*documents: Mapping[str, Any]) -> dict[str, str]:
    """The images by service that are not built."""
    bodies = [(name, body) for document in documents for name, body in document["services"].items()]
    built = {name for name, body in bodies if "build" in body}
    return {name: str(body["image"]) for name, body in bodies if "image" in body and name not in built}


def _address(body: dict[str, Any]) -> str:
    addresses = [one.get("IPAddress") for one in body["NetworkSettings"]["Networks"].values()]
    return next((address for address in addresses if address), "")
