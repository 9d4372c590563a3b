"""Malformed HTTP from either side passes byte for byte, is recorded as such, and hangs nobody."""

from __future__ import annotations

import asyncio

import pytest

from harness.tap.rules import Status
from tests.tap.bench import Bench, Dialled, ending
from tests.tap.servers import GET, OK, after_head


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize(
    "bad",
    [
        b"GET / HTTP/9\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ],
)
def test_a_malformed_request_passes_byte_for_byte(bench: Bench, bad: bytes, ruled: bool):
    """All of it, and all that comes after, after an answer that was still due."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\r\n\r\n") == GET
        writer.write(OK)
        while data := await reader.read(1 << 16):
            writer.write(data)

    name, at = bench.link(echo)
    if ruled:
        bench.tap.put(name, Status(name="w", method="PUT"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET + bad)
        assert client.answer() == (200, b"ok")
        assert client.exactly(len(bad)) == bad
        client.send(GET)
        assert client.exactly(len(GET)) == GET
    assert ending(rows) == [(200, "ok", None), (None, "unknown", "malformed")]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize(
    "bad",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_a_malformed_answer_passes_byte_for_byte(bench: Bench, bad: bytes, method: bytes):
    """The attempt is unknown; the connection goes on, unseen."""
    _, at = bench.link(after_head(bad + b"more", "wait"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET.replace(b"GET", method))
        assert client.exactly(len(bad) + 4) == bad + b"more"
    assert [(row["outcome"], row["error"]) for row in rows] == [("unknown", "malformed")]


def test_an_answer_that_nobody_asked_for_belongs_to_no_attempt(bench: Bench):
    """A server that says 408 before it closes an idle connection."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    _, at = bench.link(handler)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        assert client.rest().endswith(b"close\r\n\r\n")
    assert ending(rows) == [(200, "ok", None)]
