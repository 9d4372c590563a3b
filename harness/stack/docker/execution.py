"""A command in a container, while it goes on: what it writes, how it ends, and its end by force."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import docker


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
        """SIGKILL, where its process can be seen from here."""
        pid = int(self._api.exec_inspect(self._key).get("Pid") or 0)
        if pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
