"""Adopts somebody's Compose project: discovers its links and writes the override, guarded as every run is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.adopt.link_names import link_names
from harness.adopt.override import Override, render
from harness.adopt.subnets import Subnets
from harness.errors import EngineError, RunFolderError
from harness.guard import Guardian
from harness.interrupts import Interrupts
from harness.stack.docker.compose import ComposeFiles
from harness.stack.docker.discover import Discovery, Entry, WhileWatched, discover
from harness.stack.docker.engine import Engine
from harness.stack.docker.interpose import free_subnets, toxiproxy_image, with_external

Say = Callable[[str], None]


def adopt(
    files: ComposeFiles,
    entry: Entry,
    load: WhileWatched,
    watch_s: float,
    say: Say,
    interrupts: Interrupts,
    take_over: bool,
) -> Discovery:
    """Discover the links, with a copy of the stack watched under `load` for `watch_s` where an engine answers."""
    if watch_s:
        try:
            Engine.connect()
        except EngineError as error:
            say(f"not watched, only read: {error}")
            watch_s = 0.0
    with tempfile.TemporaryDirectory(prefix="harness-adopt-") as folder:
        state = Path(folder) / "stack.json"
        guardian = Guardian(state, Path(folder) / "guardian.log")
        try:
            guardian.wait_ready()
            return discover(
                files,
                entry,
                watch_s=watch_s,
                load=load,
                cancelled=interrupts.came,
                say=say,
                state_path=state,
                take_over=take_over,
            )
        finally:
            guardian.release()


def override_for(found: Discovery, mode: str) -> Override:
    """The override of a project for `docker compose -f ...`, and for the harness to read. Raises HarnessError."""
    project, subnets = found.project, Subnets()
    try:
        engine = Engine.connect()
        project, subnets = with_external(project, engine), free_subnets(engine)
    except EngineError:
        pass  # without an engine nothing is known to be in use
    return render(
        project,
        link_names(found.found.edges),
        mode=mode,
        subnets=subnets,
        toxiproxy_image=toxiproxy_image(),
        known_ports=found.found.ports,
        extension={
            "entry": str(found.entry),
            "ports": {name: list(ports) for name, ports in sorted(found.found.ports.items()) if ports},
        },
    )


def write_override(path: Path, override: Override) -> None:
    """Raises RunFolderError where that cannot be."""
    try:
        path.write_text(override.text(), encoding="utf-8")
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror or error}; give another place with -o") from error
