"""One link through a real toxiproxy-server to an echo server, for the tests of faults and of their healing."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.stack.child import start
from harness.stack.ports import free_ports, listens
from harness.stack.running import RunningStack
from harness.stack.state import RunningLink, StackState
from harness.stack.toxiproxy import ToxiproxyClient
from harness.stack.toxiproxy_server import provide
from harness.waiting import wait_until


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections break here on purpose."""


@dataclass
class Bench:
    """A stack of one link, `client-echo`."""

    stack: RunningStack
    client: ToxiproxyClient
    port: int

    def dial(self, timeout_s: float = 2.0) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)
        made.settimeout(timeout_s)
        return made

    def echo(self, connection: socket.socket, data: bytes = b"x") -> float:
        """Send and receive it all back; how long that took, in seconds. Raises OSError when it is cut."""
        began = time.monotonic()
        connection.sendall(data)
        left = len(data)
        while left:
            got = connection.recv(65536)
            if not got:
                raise ConnectionError("the connection ended")
            left -= len(got)
        return time.monotonic() - began


@contextmanager
def benched(folder: Path) -> Iterator[Bench]:
    """That link, while it is entered."""
    api, listen = free_ports(2)
    child = start("toxiproxy", [provide(), "-host", "127.0.0.1", "-port", str(api), "-proxy-metrics"], folder / "log")
    with _Server(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            assert wait_until(lambda: listens("127.0.0.1", api), 10)
            client = ToxiproxyClient(f"http://127.0.0.1:{api}")
            client.create("client-echo", f"127.0.0.1:{listen}", f"127.0.0.1:{server.server_address[1]}")
            link = RunningLink("client-echo", "client", "echo", f"127.0.0.1:{listen}", "")
            state = StackState(
                "test", toxiproxy_url=client.url, links=(link,), proxies=tuple(client.proxies().values())
            )
            yield Bench(RunningStack(state), client, listen)
        finally:
            child.end()
            server.shutdown()
