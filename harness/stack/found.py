"""A kept stack as a run finds it: what is out of place before the run is not the run's to mend, nor blamed on it.

But for what can only be ours: toxics of our names, a ballast, our wrong name server. Those were never part of a
pristine state.
"""

from __future__ import annotations

from dataclasses import replace

from harness.errors import StartError
from harness.stack import launch as launches
from harness.stack import process_tree
from harness.stack.link import OURS
from harness.stack.state import RunningService, StackState
from harness.stack.toxiproxy import ProxyState, ToxiproxyClient


def as_found(state: StackState) -> StackState:
    """The state with the services and proxies as they are now. Raises HarnessError when that cannot be told."""
    now = ToxiproxyClient(state.toxiproxy_url).proxies()
    proxies = tuple(_without_ours(now.get(one.name, one)) for one in state.proxies)
    return replace(state, proxies=proxies, services=tuple(_service(one) for one in state.services))


def _without_ours(proxy: ProxyState) -> ProxyState:
    return replace(proxy, toxics=tuple(toxic for toxic in proxy.toxics if not toxic.name.startswith(OURS)))


def _service(service: RunningService) -> RunningService:
    if service.container is not None:
        return _container(service)
    launch = launches.read(service.launch) if service.launch else None
    if launch is None or launch.process is None:
        return service
    alive = launch.process.alive()
    return replace(service, running=alive, held=alive and process_tree.held_still(launch.process))


def _container(service: RunningService) -> RunningService:
    from docker.errors import NotFound  # the Docker SDK, where there is a container

    from harness.stack.docker import pristine
    from harness.stack.docker.engine import Engine
    from harness.stack.docker.resolv_conf import NO_DNS

    engine, container = Engine.connect(), service.container
    assert container is not None
    try:
        body = engine.inspect(container.id)
    except NotFound:
        raise StartError(
            f"the container of {service.name} is gone; take the stack down with `harness stack down`, and up again"
        ) from None
    if not list(pristine.differences(engine, container, body)):
        return service
    now = pristine.capture(engine, body)
    ours = now.resolv_conf in ("", NO_DNS)
    return replace(service, container=replace(now, resolv_conf=container.resolv_conf if ours else now.resolv_conf))
