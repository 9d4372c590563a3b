"""Calls Docker Compose v2: resolves a project's files, brings a project up. Its errors are told with what to do."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ComposeFileError, EngineError
from harness.stack.child import Child, start

CONFIG_WITHIN_S = 30.0
OLDEST = (2, 24, 4)
"""The first that knows `!override` and `!reset` whole; `content` of configs came with 2.23.1."""


@dataclass(frozen=True, slots=True)
class ComposeFiles:
    """Files that make one project, in Compose's order; relative paths in them are from the first one's folder.

    `variables` are Compose's; None: those of our environment.
    """

    paths: tuple[Path, ...]
    variables: Mapping[str, str] | None = None

    @property
    def folder(self) -> Path:
        return self.paths[0].resolve().parent

    def arguments(self, project: str | None) -> list[str]:
        given = [part for path in self.paths for part in ("-f", str(path.resolve()))]
        named = ["-p", project] if project else []
        return [*named, *given, "--project-directory", str(self.folder)]


@functools.cache
def version() -> str:
    """Of Compose. Raises EngineError where there is none that is new enough."""
    docker = shutil.which("docker")
    if docker is None:
        raise EngineError(
            "docker is not installed; install Docker and its Compose plugin, or run with --stack embedded"
        )
    try:
        done = subprocess.run([docker, "compose", "version", "--short"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{docker} does not work ({error}); install Docker again") from error
    found = done.stdout.strip().removeprefix("v")
    if done.returncode != 0 or not found:
        old = "; the docker-compose here is version 1, which is too old" if shutil.which("docker-compose") else ""
        raise EngineError(
            f"`docker compose` does not work here{old}; install the plugin of Docker Compose v2 "
            "(docker-compose-plugin), or run with --stack embedded"
        )
    numbers = tuple(map(int, re.findall(r"\d+", found)[:3]))
    if numbers and numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise EngineError(f"Docker Compose {found} is too old; install {oldest} or newer (docker-compose-plugin)")
    return found


def resolve(files: ComposeFiles, project: str | None = None) -> dict[str, Any]:
    """The project as Compose resolves it (`docker compose config`). Raises ComposeFileError with what it says."""
    version()
    for path in files.paths:
        if not path.is_file():
            raise ComposeFileError(f"{path} does not exist; name the Compose files of the project")
    command = ["docker", "compose", *files.arguments(project), "config", "--format", "json"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CONFIG_WITHIN_S, cwd=files.folder, env=files.variables
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"`docker compose config` did not end within {CONFIG_WITHIN_S:g} s") from error
    if done.returncode != 0:
        names = ", ".join(str(path) for path in files.paths)
        raise ComposeFileError(f"Compose cannot read {names}: {_last(done.stderr)}")
    try:
        body: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise EngineError(
            f"`docker compose config` printed what is not JSON ({done.stdout[:40]!r}); is `docker` here Docker's own "
            f"command, and Compose {version()} whole?"
        ) from error
    return body


def environments(resolved: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the services of a resolved project get as their environment. Compose writes a dollar sign as two."""
    bodies = [body.get("environment") or {} for body in resolved["services"].values()]
    return [{k: str(value).replace("$$", "$") for k, value in body.items() if value is not None} for body in bodies]


def build(files: ComposeFiles, project: str, services: Sequence[str], log: Path) -> Child:
    """Build the images of these services; what Compose says goes to `log`, a plain line a step."""
    return _begin("build", files, project, services, log)


def up(files: ComposeFiles, project: str, log: Path) -> Child:
    """Bring the project up, detached; an image that is there is not built. What Compose says goes to `log`."""
    return _begin("up", files, project, ("--detach", "--quiet-pull"), log)


def _begin(verb: str, files: ComposeFiles, project: str, more: Sequence[str], log: Path) -> Child:
    command = ["docker", "compose", "--progress", "plain", *files.arguments(project), verb, *more]
    return start(f"docker compose {verb}", command, log, folder=files.folder, environment=files.variables)


def to_build(project: Mapping[str, Any]) -> tuple[str, ...]:
    """The services to build so that every image of the resolved project is built, and none twice."""
    first: dict[str, str] = {}
    for name, body in project["services"].items():
        if "build" in body:
            how = {key: body[key] for key in ("build", "image", "platform") if key in body}
            first.setdefault(json.dumps(how, sort_keys=True) if "image" in how else name, name)
    return tuple(first.values())


def _last(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return " ".join(lines[-3:]) or "it said nothing"


def failure(log: Path) -> str:
    """What Compose said last, without its lines of progress."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    telling = [line.strip() for line in lines if any(word in line.lower() for word in _TELLING)]
    return "\n".join(f"    {line}" for line in dict.fromkeys((telling or lines)[-8:]))


_TELLING = ("error", "failed", "denied", "unhealthy", "no such", "cannot", "already", "overlaps", "exited")
