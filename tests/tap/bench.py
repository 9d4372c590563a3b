"""One tap process, links through it to servers of a test, and what it recorded; every wait has a deadline."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.stack.ports import free_ports
from harness.tap.client import Recording, TapClient
from harness.tap.rules import Rule
from tests.tap.servers import GET, OK, Handler, Seen

WITHIN_S = 10.0
FILL_MAX = 64 << 20
ROOT = Path(__file__).parents[2]


class Servers:
    """An event loop in a thread, for asyncio servers on free ports."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(WITHIN_S)

    def serve(self, handler: Handler) -> str:
        """Listen; each connection is the handler's, and is closed when it returns."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        server = self.run(asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20))
        host, port = server.sockets[0].getsockname()
        return f"{host}:{port}"

    def close(self) -> None:
        async def end() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WITHIN_S)
        self.loop.close()


class Dialled:
    """A client's socket to a tap's listener."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=WITHIN_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def __enter__(self) -> Dialled:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def until(self, end: bytes) -> bytes:
        """Read as far as `end`."""
        while end not in self._rest:
            got = self.socket.recv(1 << 16)
            if not got:
                raise EOFError(self._rest)
            self._rest += got
        at = self._rest.index(end) + len(end)
        data, self._rest = self._rest[:at], self._rest[at:]
        return data

    def exactly(self, count: int) -> bytes:
        while len(self._rest) < count:
            got = self.socket.recv(1 << 16)
            if not got:
                raise EOFError(self._rest)
            self._rest += got
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def rest(self) -> bytes:
        """All until FIN."""
        while got := self.socket.recv(1 << 16):
            self._rest += got
        data, self._rest = self._rest, b""
        return data

    def ask(self, request: bytes = GET) -> tuple[int, bytes]:
        """(status, body) of an answer with a Content-Length."""
        self.send(request)
        return self.answer()

    def answer(self) -> tuple[int, bytes]:
        head = self.until(b"\r\n\r\n").decode("latin-1")
        length = next((line for line in head.lower().splitlines() if line.startswith("content-length:")), ": 0")
        return int(head.split()[1]), self.exactly(int(length.partition(":")[2]))

    def fill(self, size: int = 65_536) -> None:
        """Send until the other end reads no more."""
        self.socket.settimeout(0.5)
        try:
            for _ in range(FILL_MAX // size):
                self.socket.sendall(b"x" * size)
        except TimeoutError:
            self.socket.settimeout(WITHIN_S)
        else:
            raise AssertionError("the other end reads on and on")

    def silent(self, for_s: float = 0.3) -> bool:
        """Nothing comes for so long."""
        return not self._rest and not select.select([self.socket], [], [], for_s)[0]

    def reset(self) -> None:
        """End with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def how_it_ends(self) -> str:
        """FIN or RST, whichever comes."""
        try:
            self.rest()
        except ConnectionResetError:
            return "RST"
        return "FIN"


@dataclass
class Bench:
    """A tap with its servers."""

    tap: TapClient
    process: subprocess.Popen[str]
    servers: Servers
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def link(self, handler: Handler, name: str = "") -> tuple[str, str]:
        """(its name, where to dial) of a new link to a server with this handler."""
        return self.link_to(self.servers.serve(handler), name)

    def link_to(self, upstream: str, name: str = "") -> tuple[str, str]:
        name = name or f"link-{next(self._numbers)}"
        return name, self.tap.add(name, "127.0.0.1:0", upstream).listen

    def dead_link(self) -> tuple[str, str]:
        """A link to a port where nobody listens."""
        return self.link_to(f"127.0.0.1:{free_ports(1)[0]}")

    @contextmanager
    def recording(self) -> Iterator[list[dict[str, Any]]]:
        """What was recorded meanwhile is in the list afterwards."""
        found: list[dict[str, Any]] = []
        path = self.folder / f"taps-{next(self._numbers)}.arrow"
        recording: Recording = self.tap.record(0, path)
        try:
            yield found
        finally:
            recording.stop()
        found += read(path)


def put(bench: Bench, rule: Rule, answer: bytes = OK) -> tuple[Seen, str, int]:
    """(a new server, where to dial it, the number of this rule on its link)."""
    seen = Seen(answer)
    name, at = bench.link(seen)
    return seen, at, bench.tap.put(name, rule)


def ending(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """How each attempt ended."""
    return [(row["status"], row["outcome"], row["error"]) for row in rows]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a recording."""
    with pa.OSFile(str(path)) as source:
        rows: list[dict[str, Any]] = pa.ipc.open_stream(source).read_all().to_pylist()
    return sorted(rows, key=lambda row: row["started_ns"])


def until(ready: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + within_s
    while not ready():
        assert time.monotonic() < deadline, "it did not come to be in time"
        select.select([], [], [], 0.01)


@contextmanager
def running_tap(folder: Path, log: str = "tap.log") -> Iterator[Bench]:
    """A tap process with a control of its own; all is ended afterwards, and it has said nothing that it should not."""
    errors = folder / log
    with errors.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.tap"], cwd=ROOT, stdout=subprocess.PIPE, stderr=err, text=True
        )
    servers = Servers()
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 30)[0], errors.read_text()
        control = json.loads(process.stdout.readline())["control"]
        yield Bench(TapClient(control), process, servers, folder)
        assert "Traceback" not in errors.read_text(), errors.read_text()
    finally:
        process.terminate()
        try:
            process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, 9)
            process.wait(WITHIN_S)
        assert process.stdout is not None
        process.stdout.close()
        servers.close()
