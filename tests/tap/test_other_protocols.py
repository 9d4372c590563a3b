"""What is not HTTP/1.1, or stops being it, passes byte for byte."""

from __future__ import annotations

import asyncio

import pytest

from harness.errors import TapError
from harness.stack.link import ProxyLink
from harness.stack.toxiproxy import ToxiproxyClient
from harness.tap.rules import Delay, Status
from tests.tap.bench import Bench, Dialled
from tests.tap.servers import GET, Seen, echo, says


@pytest.mark.parametrize("rule", [None, Delay(name="w", delay_ms=1)])
def test_after_an_upgrade_all_passes_byte_for_byte(bench: Bench, rule: Delay | None):
    """101 is the whole answer, and what follows is not HTTP."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello")
        await echo(reader, writer)

    name, at = bench.link(handler)
    if rule:
        bench.tap.put(name, rule)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert client.until(b"\r\n\r\nhello").startswith(b"HTTP/1.1 101")
        for frame in (b"\x81\x05frame", b"GET / nonsense\r\n\r\n", b"\x00" * 70_000):
            client.send(frame)
            assert client.exactly(len(frame)) == frame
    assert [(row["path"], row["status"], row["outcome"]) for row in rows] == [("/ws", 101, "ok")]


def test_an_upgrade_that_is_not_granted_changes_nothing(bench: Bench):
    """As clients ask for HTTP/2 with a body in hand: the body is the request's, the next request is the next."""
    seen = Seen()
    _, at = bench.link(seen)
    post = b"POST /x HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\n"
    with bench.recording() as rows, Dialled(at) as client:
        client.send(post + b"bo")
        client.send(b"dy")
        assert client.answer() == (200, b"ok")
        assert client.ask(GET) == (200, b"ok")
        assert client.ask(post + b"body" + GET) == (200, b"ok")
        assert client.answer() == (200, b"ok")
    assert seen.requests == [post + b"body", GET, post + b"body", GET]
    assert [(row["method"], row["request_bytes"], row["outcome"]) for row in rows] == [
        ("POST", 4, "ok"),
        ("GET", 0, "ok"),
    ] * 2


def test_connect_passes_byte_for_byte_once_it_is_granted(bench: Bench):
    """And the host that it names is not stored."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Established\r\n\r\n")
        await echo(reader, writer)

    _, at = bench.link(handler)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"CONNECT bank:443 HTTP/1.1\r\n\r\n")
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        client.send(b"\x16\x03\x01")
        assert client.exactly(3) == b"\x16\x03\x01"
    assert [(row["method"], row["path"], row["outcome"]) for row in rows] == [("CONNECT", "{}", "ok")]


def test_connect_that_is_refused_leaves_the_connection_as_it_is(bench: Bench):
    """The next request is seen."""
    _, at = bench.link(says(b"HTTP/1.1 405 No\r\nContent-Length: 2\r\n\r\nno"))
    with bench.recording() as rows, Dialled(at) as client:
        assert client.ask(b"CONNECT bank:443 HTTP/1.1\r\n\r\n") == (405, b"no")
        assert client.ask() == (405, b"no")
    assert [row["method"] for row in rows] == ["CONNECT", "GET"]


@pytest.mark.parametrize(
    "first",
    [
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",  # PostgreSQL asks for TLS
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",  # HTTP/2, known beforehand
        b"*1\r\n$4\r\nPING\r\n",  # Redis
        b"PING\r\n",
        b"GETEX key\r\n",
    ],
)
def test_another_protocol_passes_byte_for_byte(bench: Bench, first: bytes):
    """The first bytes decide; nothing is recorded of it."""
    name, at = bench.link(echo)
    bench.tap.put(name, Status(name="w"))
    with bench.recording() as rows, Dialled(at) as client:
        for data in (first, b"\xff\x00" * 1000, GET):
            client.send(data)
            assert client.exactly(len(data)) == data
    assert rows == []
    assert (bench.tap.links()[name].http, bench.tap.links()[name].others) == (0, 1)


@pytest.mark.parametrize("ruled", [False, True])
def test_another_protocol_that_begins_like_a_method_passes_too(bench: Bench, ruled: bool):
    """It is known a few bytes later, when what was kept is let go."""
    name, at = bench.link(echo)
    if ruled:
        bench.tap.put(name, Status(name="w"))
    with bench.recording() as rows, Dialled(at) as client:
        for data in (b"P", b"O", b"\x00ST / HTTP", GET):
            client.send(data)
        expected = b"PO\x00ST / HTTP" + GET
        assert client.exactly(len(expected)) == expected
    assert rows == []
    assert (bench.tap.links()[name].http, bench.tap.links()[name].others) == (0, 1)


def test_another_protocol_whose_server_answers_the_first_byte_passes_too(bench: Bench):
    """It is known by an answer that is not HTTP, before the client said enough."""
    name, at = bench.link(echo)
    with bench.recording() as rows, Dialled(at) as client:
        for data in (b"P", b"O", b"\x00ST / HTTP", GET):
            client.send(data)
            assert client.exactly(len(data)) == data
    assert rows == []
    assert (bench.tap.links()[name].http, bench.tap.links()[name].others) == (0, 1)


def test_a_server_that_speaks_first_passes(bench: Bench):
    """SMTP and MySQL do; the client's words after it are not taken for requests."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ESMTP\r\n")
        await echo(reader, writer)

    _, at = bench.link(handler)
    with bench.recording() as rows, Dialled(at) as client:
        assert client.until(b"\n") == b"220 mail ESMTP\r\n"
        client.send(GET)
        assert client.exactly(len(GET)) == GET
    assert rows == []


def test_a_fault_on_requests_is_refused_where_none_cross(bench: Bench):
    """By what its tap has counted: no rule is put, and the sentence says what crossed."""
    name, at = bench.link(echo)
    with Dialled(at) as client:
        client.send(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
        assert client.until(b"\x16\x2f")
    link = ProxyLink(name, ToxiproxyClient("http://127.0.0.1:1"), bench.tap)
    with pytest.raises(TapError, match=r"what crosses .* is not HTTP/1\.1 \(1 connections spoke something else\)"):
        link.put_rule("status", code=503)
    assert bench.tap.links()[name].rules == ()


def test_a_fault_on_requests_needs_a_tap():
    """A link without one says what to add."""
    link = ProxyLink("web-api", ToxiproxyClient("http://127.0.0.1:1"))
    with pytest.raises(TapError, match="web-api has no tap; give it one with `tap: http`"):
        link.put_rule("status", code=503)
