"""The tap beside toxiproxy-server, in turn in one run: what each adds to a request, and how many pass through it."""

from __future__ import annotations

import asyncio
import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import cast

import psutil
import uvloop

from benchmarks.server import ANSWER, Http, pin
from benchmarks.table import Row
from harness.history import batches
from harness.schema import ATTEMPTS
from harness.stack.ports import free_ports, listens
from harness.stack.toxiproxy import ToxiproxyClient
from harness.stack.toxiproxy_server import provide
from harness.tap.client import TapClient
from harness.waiting import wait_until

ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 16
GET = b"GET /orders/42 HTTP/1.1\r\nHost: shop\r\n\r\n"


def tap() -> Iterator[Row]:
    """p50 over one connection and requests/s over 16, direct and through each proxy, which has a core of its own.

    Requests/s are of a proxy's processor time, since a shared machine lends out the other.
    """
    ways = ("direct", "toxiproxy", "tap")
    with _proxies() as (ports, pids, recorded):
        alone: dict[str, list[float]] = {way: [] for way in ways}
        many: dict[str, list[float]] = {way: [] for way in ways}
        rates: dict[str, list[float]] = {way: [] for way in ways}
        asked = 0
        for number in range(ROUNDS):
            for way in ways if number % 2 else reversed(ways):
                one, more = _ask(ports[way], 1, pids.get(way)), _ask(ports[way], CONNECTIONS, pids.get(way))
                alone[way].append(one["p50_ms"])
                many[way].append(more["requests_per_cpu_s"])
                rates[way].append(more["requests_per_s"])
                asked += round(one["requests"] + more["requests"]) if way == "tap" else 0
        rows = recorded()
    p50s = [ours / theirs for ours, theirs in zip(alone["tap"], alone["toxiproxy"], strict=True)]
    yield Row("p50 over 1 connection, by toxiproxy", _pairs(p50s), "<= 1", median(p50s) <= 1)
    yield Row("  as they were", ", ".join(f"{way} {median(alone[way]):.3f} ms" for way in ways))
    ratios = [ours / theirs for ours, theirs in zip(many["tap"], many["toxiproxy"], strict=True)]
    yield Row("requests/s of a core, 16 connections, by toxiproxy", _pairs(ratios), ">= 0.8", median(ratios) >= 0.8)
    yield Row("  as they were", ", ".join(f"{way} {median(rates[way]):,.0f}/s" for way in ways))
    yield Row("  attempts recorded, of those that crossed", f"{rows:,} of {asked:,}", "all", rows == asked)


def _pairs(ratios: list[float]) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} pairs)"


@contextmanager
def _proxies() -> Iterator[tuple[dict[str, int], dict[str, int], Callable[[], int]]]:
    """(ports by way, processes by way, what stops the recording and counts its rows)."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*command: object, out: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([str(one) for one in command], stdout=out, stderr=subprocess.DEVNULL))
        return processes[-1]

    def first_line(process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 20)[0], "it did not start"
        return process.stdout.readline().decode()

    try:
        server = start(sys.executable, "-m", "benchmarks.tap", "serve")
        upstream = int(first_line(server))
        pin(server.pid, 0)
        api, through = free_ports(2)
        toxiproxy = start(provide(), "-host", "127.0.0.1", "-port", api, out=subprocess.DEVNULL)  # it logs
        pin(toxiproxy.pid, 1)
        assert wait_until(lambda: listens("127.0.0.1", api), 10)
        ToxiproxyClient(f"http://127.0.0.1:{api}").create("bench", f"127.0.0.1:{through}", f"127.0.0.1:{upstream}")
        ours = start(sys.executable, "-m", "harness.tap")
        pin(ours.pid, 1)
        client = TapClient(json.loads(first_line(ours))["control"])
        listen = client.add("bench", "127.0.0.1:0", f"127.0.0.1:{upstream}").listen
        with tempfile.TemporaryDirectory(prefix="bench-") as work:
            path = Path(work) / "taps.arrow"
            recording = client.record(time.monotonic_ns(), path)

            def recorded() -> int:
                recording.stop()
                return sum(batch.num_rows for batch in batches(path, ATTEMPTS))

            ports = {"direct": upstream, "toxiproxy": through, "tap": int(listen.rpartition(":")[2])}
            yield ports, {"toxiproxy": toxiproxy.pid, "tap": ours.pid}, recorded
    finally:
        for process in processes:
            process.kill()
            process.wait(5)
            if process.stdout is not None:
                process.stdout.close()


def _ask(port: int, connections: int, proxy: int | None) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.tap", "ask", str(port), str(connections)]
    before = psutil.Process(proxy).cpu_times() if proxy else None
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        pin(process.pid, 0)
        said, _ = process.communicate(timeout=60)
    found: dict[str, float] = json.loads(said)
    found["requests_per_cpu_s"] = 0.0
    if before is not None:
        after = psutil.Process(proxy).cpu_times()
        found["requests_per_cpu_s"] = found["requests"] / (after.user + after.system - before.user - before.system)
    return found


class _Asking(asyncio.Protocol):
    """Asks again as soon as it has its answer, until its time is over."""

    def __init__(self, until_s: float, took: list[float]) -> None:
        self._until_s, self._took, self._got = until_s, took, 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._began_s = time.perf_counter()
        self._transport.write(GET)

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        if self._got < len(ANSWER):
            return
        self._got = 0
        now_s = time.perf_counter()
        self._took.append(now_s - self._began_s)
        if now_s < self._until_s:
            self._ask()
        else:
            self._transport.close()
            self.done.set_result(None)


async def _measure(port: int, connections: int) -> None:
    loop, took = asyncio.get_running_loop(), []
    began_s = time.perf_counter()
    until_s = began_s + SECONDS
    made = [await loop.create_connection(lambda: _Asking(until_s, took), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    elapsed_s = time.perf_counter() - began_s
    found = {"requests": len(took), "requests_per_s": len(took) / elapsed_s, "p50_ms": median(took) * 1000}
    print(json.dumps(found), flush=True)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve() if sys.argv[1] == "serve" else _measure(int(sys.argv[2]), int(sys.argv[3])))
