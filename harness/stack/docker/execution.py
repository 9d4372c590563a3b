"""A command in a container, while it goes on: what it writes, how it ends, and its end by force."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import docker
from docker.errors import APIError

from harness.stack.child import identify
from harness.waiting import wait_until

ASKED_TO_END_S = 1.5
"""Less than shell.py gives to the one who asks."""
ONE_OFF_LABEL = "com.docker.compose.oneoff"
KEPT_LABELS = ("com.docker.compose.project", "com.docker.compose.service", "io.resilience-harness.run")
"""By which whoever takes the project down finds it."""


class Execution:
    """A command in a container, while it goes on."""

    def __init__(self, api: docker.APIClient, key: str) -> None:
        self._api, self._key = api, key

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """(1 for stdout or 2 for stderr, what it wrote), as it comes."""
        for out, err in self._api.exec_start(self._key, stream=True, demux=True):
            if out:
                yield 1, out
            if err:
                yield 2, err

    def exit_code(self) -> int:
        return int(self._api.exec_inspect(self._key)["ExitCode"] or 0)

    def kill(self) -> None:
        """SIGTERM, so that it can undo what it began, then SIGKILL, where its process can be seen from here."""
        pid = int(self._api.exec_inspect(self._key).get("Pid") or 0)
        process = identify("exec", pid) if pid else None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
            if not wait_until(lambda: not process.alive(), ASKED_TO_END_S):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Nothing of it is left when it has ended."""


class Beside:
    """A command in a container of its own, with the image, the volumes, the network and the user of one that is down.
    Gone when it is closed."""

    def __init__(
        self, api: docker.APIClient, body: Mapping[str, Any], command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self._api = api
        given, how = body["Config"], body["HostConfig"]
        labels = {name: value for name, value in (given["Labels"] or {}).items() if name in KEPT_LABELS}
        config = {
            "Image": body["Image"],
            "Cmd": list(command),
            "Entrypoint": [],
            "Env": [*(given["Env"] or ()), *(f"{name}={value}" for name, value in environment.items())],
            "User": given.get("User", ""),
            "WorkingDir": given.get("WorkingDir", ""),
            "Labels": {**labels, ONE_OFF_LABEL: "True"},
            "HostConfig": {"VolumesFrom": [body["Id"]], "NetworkMode": how.get("NetworkMode") or "default"},
        }
        self._key: str = api.create_container_from_config(config)["Id"]

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """(1 for stdout or 2 for stderr, what it wrote), as it comes."""
        stream = self._api.attach(self._key, stdout=True, stderr=True, stream=True, logs=True, demux=True)
        self._api.start(self._key)
        for out, err in stream:
            if out:
                yield 1, out
            if err:
                yield 2, err

    def exit_code(self) -> int:
        return int(self._api.wait(self._key)["StatusCode"])

    def kill(self) -> None:
        """With its container."""
        with contextlib.suppress(APIError):
            self._api.remove_container(self._key, v=False, force=True)

    close = kill
