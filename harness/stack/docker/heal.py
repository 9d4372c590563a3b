"""Puts containers back: makes each what it was, reads it back, and says what it found."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from docker.errors import NotFound

from harness.errors import HarnessError
from harness.record import HealReport
from harness.stack.ballast import empty
from harness.stack.docker import health, pristine
from harness.stack.docker.engine import Engine
from harness.stack.docker.powers import begin, end_at_once, join_networks
from harness.stack.docker.resolv_conf import read_resolv_conf, write_resolv_conf
from harness.stack.state import ContainerState, RunningService, StackState


def heal_containers(state: StackState) -> HealReport:
    """Put every container of the state back. Never raises: what could not be mended is in `broken`."""
    try:
        engine = Engine.connect()
        engine.info()
    except HarnessError as error:
        remedy = "" if state.project else "; then mend it with: harness heal"  # what is ours is taken down
        return HealReport(broken=(f"{error}{remedy}",))
    mended: list[str] = []
    broken: list[str] = []
    found = [one for one in state.services if one.container is not None]
    with ThreadPoolExecutor(max(1, min(8, len(found)))) as pool:
        healed = pool.map(lambda one: _heal(engine, one, state), found)
        for service, (wrong, left) in zip(found, healed, strict=True):
            mended += [f"{service.name}: {sentence}" for sentence in wrong if sentence not in left]
            broken += [f"{service.name}: {sentence}" for sentence in left]
    return HealReport(tuple(mended), tuple(broken))


def _heal(engine: Engine, service: RunningService, state: StackState) -> tuple[list[str], list[str]]:
    """(what was out of place, what is so still), in words."""
    container, ending = service.container, state.ending_note(service.name)
    assert container is not None
    try:
        if was_asked := ending is not None and ending.exists():
            end_at_once(engine, container.id)
        body = engine.inspect(container.id)
        if not was_asked:
            container = _as_job(state, service, body)
        found = [f"its disk {path} was full" for path in service.disks if _empty(engine, body, path)]
        wrong = list(pristine.differences(engine, container, body))
        left: list[str] = []
        if wrong:
            trouble = _mend(engine, container, service.name)
            now = engine.inspect(container.id)
            left = list(pristine.differences(engine, container if trouble else _as_job(state, service, now), now))
            left += trouble if left else ()
        if was_asked and ending is not None and not left:
            ending.unlink(missing_ok=True)
    except NotFound:
        return [], [f"its container {container.name} is gone; start the stack anew"]
    except (HarnessError, OSError) as error:
        return [], [str(error)]
    return [*found, *wrong], left


def _as_job(state: StackState, service: RunningService, body: Mapping[str, Any]) -> ContainerState:
    """Its pristine state; that of a job that has ended well meanwhile is to be ended."""
    assert service.container is not None
    is_done = state.may_end(service.name) and health.ended_well(body)
    return replace(service.container, running=False) if is_done else service.container


def _empty(engine: Engine, body: Mapping[str, Any], path: str) -> bool:
    folder = pristine.disk_folder(engine, body, path)
    return folder is not None and empty(folder)


def _mend(engine: Engine, container: ContainerState, name: str) -> list[str]:
    """Put back all that can be; what went wrong with it. One thing that cannot must not keep the others broken."""
    trouble = []
    for mend in (_unpause, _limits, _networks, _start, _dns, _pause):
        try:
            mend(engine, engine.inspect(container.id), container, name)
        except NotFound as error:  # a network, say; where it is the container, whoever looks at it next is told
            trouble.append(str(error.explanation or error))
        except (HarnessError, OSError) as error:
            trouble.append(str(error))
    return trouble


Body = Mapping[str, Any]


def _unpause(engine: Engine, body: Body, container: ContainerState, name: str) -> None:
    if body["State"]["Paused"] and not container.paused:
        engine.unpause(container.id)


def _limits(engine: Engine, body: Body, container: ContainerState, name: str) -> None:
    if pristine.cpu_cores(body) != container.cpu_cores:
        engine.update(container.id, pristine.cpu_limits(body, container.cpu_cores))
    if pristine.memory_bytes(engine, body) != container.memory_bytes:
        limits = pristine.memory_limits(engine, container.memory_bytes, container.memory_swap_bytes)
        engine.update(container.id, limits)


def _networks(engine: Engine, body: Body, container: ContainerState, name: str) -> None:
    join_networks(engine, body, container)


def _start(engine: Engine, body: Body, container: ContainerState, name: str) -> None:
    if container.running:
        begin(engine, body)


def _dns(engine: Engine, body: Body, container: ContainerState, name: str) -> None:
    known = container.resolv_conf
    if known and body["State"]["Running"] and read_resolv_conf(engine, body) not in (known, None):
        write_resolv_conf(engine, body, known, name)


def _pause(engine: Engine, body: Body, container: ContainerState, name: str) -> None:
    if container.paused and body["State"]["Running"] and not body["State"]["Paused"]:
        engine.pause(container.id)
