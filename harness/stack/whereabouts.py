"""Which process a service is now, and whether it runs: it may have been started anew since the state was written."""

from __future__ import annotations

from harness.stack import launch as launches
from harness.stack.child import ProcessId
from harness.stack.state import RunningService


def current_process(service: RunningService) -> ProcessId | None:
    """Its process as it is now; None where it has none, or runs where it cannot be seen."""
    if service.container is not None:
        from harness.stack.docker.engine import Engine  # the Docker SDK, where there is a container

        return Engine.connect().process(service.container.id, service.name)
    launch = launches.read(service.launch) if service.launch else None
    return launch.process if launch and launch.process else service.process


def is_alive(service: RunningService) -> bool:
    """Whether it runs; a container does by the engine's word, as its process may not be seen from here. Raises
    EngineError where that does not answer."""
    if service.container is not None:
        from harness.stack.docker.engine import Engine  # the Docker SDK, where there is a container

        return Engine.connect().runs(service.container.id)
    process = current_process(service)
    return process is not None and process.alive()
