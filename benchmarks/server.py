"""A server that takes no time, on a core of its own where there are two; it can be told to freeze."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Http(asyncio.Protocol):
    """Answers each head that ends; requests have no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._rest = cast(asyncio.Transport, transport), b""

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        count = data.count(b"\r\n\r\n")
        self._rest = data[data.rfind(b"\r\n\r\n") + 4 :] if count else data
        self._transport.write(ANSWER * count)


async def _serve(freeze_after_s: float, freeze_s: float) -> None:
    server = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    if freeze_s:
        await asyncio.to_thread(sys.stdin.readline)  # the word to start the clock
        await asyncio.sleep(freeze_after_s)
        time.sleep(freeze_s)  # everything stands still: that is the freeze
    await server.serve_forever()


@contextmanager
def serving(freeze_after_s: float = 0, freeze_s: float = 0) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """(its address, its process). Write a line to its stdin to start the clock of a freeze."""
    command = [sys.executable, "-m", "benchmarks.server", str(freeze_after_s), str(freeze_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            pin(process.pid, 0)
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process
        finally:
            process.kill()


def pin(pid: int, index: int) -> None:
    """Give a process one core of its own, the `index`th of ours, where there are enough."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[index % len(cores)]})


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), float(sys.argv[2])))
