"""The resolv.conf of a container: the engine keeps it on its machine and mounts it into the container."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from harness.errors import EngineError
from harness.stack.docker.engine import Engine
from harness.stack.service import cannot

NO_DNS = "# by resilience-harness: a DNS failure\nnameserver 192.0.2.53\noptions timeout:1 attempts:1\n"
"""An address that RFC 5737 keeps for documentation: nobody answers there."""


def read_resolv_conf(engine: Engine, body: Mapping[str, Any]) -> str | None:
    """Its text: from this machine's own copy, else by the container's `cat`; None where neither tells."""
    try:
        return Path(body["ResolvConfPath"]).read_text(encoding="utf-8")
    except OSError:
        pass
    if body["State"]["Running"] and not body["State"]["Paused"]:
        with contextlib.suppress(EngineError, NotFound, UnicodeDecodeError):
            code, said = engine.run(body["Id"], ["cat", "/etc/resolv.conf"])
            return said.decode() if code == 0 else None
    return None


def write_resolv_conf(engine: Engine, body: Mapping[str, Any], text: str, name: str) -> None:
    """In place, since the file is mounted: into this machine's own copy, else by the container's shell."""
    try:
        with Path(body["ResolvConfPath"]).open("r+", encoding="utf-8") as file:
            file.write(text)
            file.truncate()
    except OSError as error:
        code, _ = engine.run(body["Id"], ["sh", "-c", 'printf %s "$1" > /etc/resolv.conf', "sh", text])
        if code != 0:
            raise cannot(name, "a DNS failure", f"run as root ({error.strerror})") from error
