"""Puts containers back: makes each what it was, reads it back, and says what it found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from docker.errors import NotFound

from harness.errors import HarnessError
from harness.record import HealReport
from harness.stack.ballast import empty
from harness.stack.docker import pristine
from harness.stack.docker.engine import Engine
from harness.stack.docker.powers import inside, wait_running, write_resolv_conf
from harness.stack.state import ContainerState, RunningService, StackState


def heal_containers(state: StackState) -> HealReport:
    """Put every container of the state back. Never raises: what could not be mended is in `broken`."""
    try:
        engine = Engine.connect()
        engine.info()
    except HarnessError as error:
        return HealReport(broken=(f"{error}; then mend it with: harness heal",))
    mended: list[str] = []
    broken: list[str] = []
    found = [one for one in state.services if one.container is not None]
    with ThreadPoolExecutor(max(1, min(8, len(found)))) as pool:
        for ours, theirs in pool.map(lambda one: _heal(engine, one), found):
            mended += ours
            broken += theirs
    return HealReport(tuple(mended), tuple(broken))


def _heal(engine: Engine, service: RunningService) -> tuple[list[str], list[str]]:
    """(what was mended, what is still out of place), in sentences."""
    container, name = service.container, service.name
    assert container is not None
    try:
        body = engine.inspect(container.id)
        wrong = [f"{name}: {one}" for one in pristine.differences(engine, container, body)]
        if wrong:
            _mend(engine, container)
        body = engine.inspect(container.id)
        for path in service.disks:
            if body["State"]["Running"] and empty(inside(body, path, name)):
                wrong.append(f"{name}: its disk {path} was full")
        left = [f"{name}: {one}" for one in pristine.differences(engine, container, body)]
    except NotFound:
        return [], [f"{name}: its container {container.name} is gone; start the stack anew"]
    except HarnessError as error:
        return [], [f"{name}: {error}"]
    return [one for one in wrong if one not in left], left


def _mend(engine: Engine, container: ContainerState) -> None:
    body = engine.inspect(container.id)
    if body["State"]["Paused"] and not container.paused:
        engine.unpause(container.id)
    if pristine.cpu_cores(body) != container.cpu_cores:
        engine.update(container.id, pristine.cpu_limits(body, container.cpu_cores))
    if pristine.memory_bytes(engine, body) != container.memory_bytes:
        engine.update(container.id, pristine.memory_limits(engine, container.memory_bytes))
    if pristine.resolv_conf(body) == pristine.NO_DNS:
        write_resolv_conf(engine, body, container.resolv_conf, container.name)
    now = {one.name for one in pristine.endpoints(body)}
    for one in container.endpoints:
        if one.name not in now:
            engine.connect_network(container.id, one.network, one.aliases, one.ipv4, one.ipv6)
    if container.running and not body["State"]["Running"]:
        engine.start(container.id)
        wait_running(engine, container.id)
