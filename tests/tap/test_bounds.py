"""A tap's memory is bounded, whatever crosses it and whoever is slow."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import resource

import psutil
import pytest

from harness.tap.rules import Status
from tests.tap.bench import Bench, Dialled, until
from tests.tap.servers import answers_ok

STREAM_BYTES = 200 << 20
PART = bytes(range(256)) * 256
GROWTH_MAX = 64 << 20
IDLE = 2000


def _rss(bench: Bench) -> int:
    found: int = psutil.Process(bench.process.pid).memory_info().rss
    return found


async def _streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends a large body, or takes one and answers with its digest."""
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"GET"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % STREAM_BYTES)
        for _ in range(STREAM_BYTES // len(PART)):
            writer.write(PART)
            await writer.drain()
    digest, left = hashlib.sha256(), STREAM_BYTES if head.startswith(b"POST") else 0
    await asyncio.sleep(0.3)  # a slow service: what comes must wait outside of the tap
    while left:
        data = await reader.read(1 << 16)
        digest.update(data)
        left -= len(data)
    answer = digest.hexdigest().encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
    await writer.drain()


EXPECTED = hashlib.sha256(PART * (STREAM_BYTES // len(PART))).hexdigest().encode()


def test_a_large_answer_to_a_slow_client_takes_little_memory(bench: Bench):
    """Every byte of it arrives, and the tap never holds more than a little."""
    _, at = bench.link(_streams)
    before, most = _rss(bench), 0
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        client.until(b"\r\n\r\n")
        assert not client.silent(5)
        until(lambda: True)
        digest, left = hashlib.sha256(), STREAM_BYTES
        while left:
            data = client.exactly(min(1 << 20, left))
            digest.update(data)
            left -= len(data)
            most = max(most, _rss(bench))
    assert digest.hexdigest().encode() == EXPECTED
    assert most - before < GROWTH_MAX
    assert [(row["answer_bytes"], row["outcome"]) for row in rows] == [(STREAM_BYTES, "ok")]


@pytest.mark.parametrize("rule", [None, Status(name="w", path="/never"), Status(name="w", code=413)])
def test_a_large_request_to_a_slow_service_takes_little_memory(bench: Bench, rule: Status | None):
    """As it passes, as it passes by a rule, and as a rule takes it."""
    name, at = bench.link(_streams)
    if rule:
        bench.tap.put(name, rule)
    before, most = _rss(bench), 0
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % STREAM_BYTES)
        for number in range(STREAM_BYTES // len(PART)):
            client.send(PART)
            if number % 50 == 0:
                most = max(most, _rss(bench))
        status, body = client.answer()
    assert (status, body) == ((413, b"") if rule and not rule.path else (200, EXPECTED))
    assert most - before < GROWTH_MAX
    assert [row["request_bytes"] for row in rows] == [STREAM_BYTES]


def test_thousands_of_idle_connections_cost_little_and_stay_usable(bench: Bench):
    """Each is answered in its time, and none is left when its client has gone."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3 * IDLE:
        pytest.skip(f"needs {3 * IDLE} open files; the limit here is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3 * IDLE), hard))
    name, at = bench.link(answers_ok)
    before = _rss(bench)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Dialled(at)) for _ in range(IDLE)]
        until(lambda: bench.tap.links()[name].connections == IDLE)
        for client in (*clients[:100], *clients[-100:]):
            assert client.ask() == (200, b"ok")
        assert _rss(bench) - before < IDLE * 30_000
    until(lambda: bench.tap.links()[name].connections == 0)
