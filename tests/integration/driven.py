"""One load process driven to its end against a small server, for the tests of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd

from harness.generator import Generator
from harness.history import read_samples
from harness.order import Beat, Order

SERVER = '''
import asyncio, sys, time

async def serve(reader, writer):
    """GET /ms/N waits so long; /status/N answers so; /freeze stops the whole server for a second; /room is refused
    where more than 60 are connected; /cut ends its answer in the middle; else 200."""
    global connected
    connected += 1
    try:
        while True:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode()
            lengths = [line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length")]
            await reader.readexactly(int(lengths[0]) if lengths else 0)
            path = head.split(" ")[1].partition("?")[0].strip("/").split("/")
            status = 200
            if path[0] == "ms":
                await asyncio.sleep(int(path[1]) / 1000)
            elif path[0] == "status":
                status = int(path[1])
            elif path[0] == "freeze":
                time.sleep(1)
            elif path[0] == "room" and connected > 60:
                status = 503
            elif path[0] == "cut":
                writer.write(b"HTTP/1.1 200 X\\r\\nContent-Length: 20\\r\\n\\r\\nok")
                raise ConnectionError
            writer.write(f"HTTP/1.1 {status} X\\r\\nContent-Length: 2\\r\\n\\r\\nok".encode())
    except (asyncio.IncompleteReadError, ConnectionError):
        connected -= 1
        writer.close()

connected = 0

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
'''


@contextmanager
def serving() -> Iterator[str]:
    """The address of that server, while it runs."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


class Driven:
    """One load process, driven to its end."""

    def __init__(self, folder: Path, host: str, locustfile: str, **order: object) -> None:
        path, self.samples_path, self.log = folder / "load.py", folder / "samples.arrow", folder / "log"
        path.write_text(f"from locust import *\n{locustfile}\n", encoding="utf-8")
        given = Order(
            locustfile=str(path),
            host=host,
            samples=str(self.samples_path),
            model="open",
            end_s=3.0,
            warmup_s=0.5,
            drain_s=2.0,
            seed=1,
            rates=[[0.0, 50.0]],
            tags=[],
            exclude_tags=[],
        )
        self.order = replace(given, **order)  # type: ignore[arg-type]
        self.beats: list[Beat] = []
        self.died: str | None = None

    def run(self) -> pd.DataFrame:
        generator = Generator(self.log, self.beats.append)
        try:
            generator.order(self.order)
            generator.wait_ready(lambda: False)
            generator.go(time.monotonic_ns() + int((self.order.warmup_s + 0.3) * 1e9))
            generator.finish(self.order.end_s + self.order.drain_s + 10)
            self.died = generator.died()
            assert generator.done, self.log.read_text(encoding="utf-8")
        finally:
            generator.stop()
        return read_samples(self.samples_path)
