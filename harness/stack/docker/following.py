"""A container that was deployed anew has another id. Whoever knew the first one finds the newest by it."""

from __future__ import annotations

from typing import Any

import docker
from docker.errors import NotFound

REPLACES_LABEL = "io.resilience-harness.replaces"
"""On a container that took another's place: the id of the first that stood there."""


class FollowingClient(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, to which the id of a container that was replaced means the one in its place."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._newest: dict[str, str] = {}
        super().__init__(*arguments, **options)

    def _url(self, path: str, *parts: Any, **options: Any) -> Any:
        return super()._url(path, *(self._newest.get(one, one) for one in parts), **options)

    def inspect_container(self, container: str) -> Any:
        try:
            return super().inspect_container(container)
        except NotFound:
            found = self.containers(all=True, filters={"label": f"{REPLACES_LABEL}={container}"})
            if not found:
                raise
            self._newest[container] = found[0]["Id"]
            return super().inspect_container(container)
