"""Which process a service is now: it may have been started anew since the state was written."""

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
