"""A relay before the Docker daemon, so that a test can take the daemon away from one harness and from nobody else."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path


class Relay:
    """Takes connections at a socket of its own and passes them on, until it is stopped; it can start again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._real = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    @property
    def host(self) -> str:
        """For $DOCKER_HOST."""
        return f"unix://{self.path}"

    def start(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """As a daemon that is killed: no socket, and what was connected ends."""
        self.path.unlink(missing_ok=True)
        for one in (self._listener, *self._open):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._real)
                self._open += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relayed() -> Iterator[Relay]:
    """A relay that is started, and stopped at the end; its path is short, as that of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="relay-") as folder:
        relay = Relay(Path(folder) / "docker.sock")
        relay.start()
        try:
            yield relay
        finally:
            relay.stop()
