"""Takes a Compose project of ours away: its containers, networks and volumes, known by their label."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docker.errors import NotFound

from harness.errors import HarnessError
from harness.stack.docker import health
from harness.stack.docker.engine import PROJECT_LABEL, Engine
from harness.stack.state import RunningService, StackState
from harness.waiting import wait_until

REMOVED_WITHIN_S, SETTLES_WITHIN_S = 20.0, 2.0


def remove_project(state: StackState) -> list[str]:
    """Keep the logs, remove all of the project, start again what stood aside for it, whatever goes wrong; what is left,
    each with the command that finishes it."""
    by_hand = f"Compose project {state.project} (docker compose -p {state.project} down --volumes --remove-orphans)"
    try:
        left = [] if _remove(Engine.connect(), state) else [by_hand]
    except HarnessError as error:
        left = [f"{by_hand}: {error}"]
    return [*left, *_start_again(state.aside)]


def _remove(engine: Engine, state: StackState) -> bool:
    """Whether all of it is gone."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: save_log(engine, one), state.services))

    def is_gone() -> bool:
        return not engine.remove_labelled(f"{PROJECT_LABEL}={state.project}")

    gone = wait_until(is_gone, REMOVED_WITHIN_S)
    if not state.services:  # it was called off while it came up: what the engine had begun may still come
        wait_until(lambda: not is_gone(), SETTLES_WITHIN_S)
        gone = wait_until(is_gone, REMOVED_WITHIN_S)
    return gone


def _start_again(containers: tuple[str, ...]) -> list[str]:
    """The user's own, that stood aside, in the order in which they were made; those that do not come back, each with
    its command."""
    left = []
    for one in reversed(containers):  # the engine lists the newest first
        try:
            why = _why_not_back(one)
        except NotFound as error:
            if "No such container" in str(error.explanation):
                continue  # the user took it away meanwhile
            why = str(error.explanation)  # a network of its own is gone
        except HarnessError as error:
            why = str(error)
        if why:
            left.append(f"your own container {one[:12]} (docker start {one[:12]}: {why})")
    return left


def _why_not_back(container: str) -> str:
    """Start it, and see it run; why it does not, where it does not. Raises docker's NotFound, and EngineError."""
    engine = Engine.connect()
    engine.start(container)

    def is_back() -> bool:
        body = engine.inspect(container)
        return bool(body["State"]["Running"]) or health.ended_well(body)

    return "" if wait_until(is_back, SETTLES_WITHIN_S) else "it has ended again"


def save_log(engine: Engine, service: RunningService) -> None:
    """The container's log into the run's logs."""
    if service.container is not None and service.log:
        with contextlib.suppress(HarnessError, NotFound, OSError):
            Path(service.log).write_bytes(engine.logs(service.container.id))
