"""Takes a Compose project of ours away: its containers, networks and volumes, known by their label."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docker.errors import NotFound

from harness.errors import HarnessError
from harness.stack.docker.engine import PROJECT_LABEL, Engine
from harness.stack.state import RunningService, StackState
from harness.waiting import wait_until

REMOVED_WITHIN_S, SETTLES_WITHIN_S = 20.0, 2.0


def remove_project(state: StackState) -> list[str]:
    """Keep the logs, then remove all of the project; what is left, each with the command that finishes it."""
    project = state.project
    by_hand = f"Compose project {project} (docker compose -p {project} down --volumes --remove-orphans)"
    try:
        engine = Engine.connect()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: save_log(engine, one), state.services))

        def is_gone() -> bool:
            return not engine.remove_labelled(f"{PROJECT_LABEL}={project}")

        gone = wait_until(is_gone, REMOVED_WITHIN_S)
        if not state.services:  # it was called off while it came up: what the engine had begun may still come
            wait_until(lambda: not is_gone(), SETTLES_WITHIN_S)
            gone = wait_until(is_gone, REMOVED_WITHIN_S)
    except HarnessError as error:
        return [f"{by_hand}: {error}"]
    return [*([] if gone else [by_hand]), *_start_again(engine, state.aside)]


def _start_again(engine: Engine, containers: tuple[str, ...]) -> list[str]:
    """The user's own, that stood aside; those that do not come back, each with its command."""
    left = []
    for one in containers:
        try:
            engine.start(one)
        except NotFound:
            continue  # the user took it away meanwhile
        except HarnessError as error:
            left.append(f"your own container {one[:12]} (docker start {one[:12]}: {error})")
    return left


def save_log(engine: Engine, service: RunningService) -> None:
    """The container's log into the run's logs."""
    if service.container is not None and service.log:
        with contextlib.suppress(HarnessError, NotFound, OSError):
            Path(service.log).write_bytes(engine.logs(service.container.id))
