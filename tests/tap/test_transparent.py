"""What crosses a tap is what was sent, byte for byte, and each request of it is one attempt."""

from __future__ import annotations

import asyncio
import socket

import pytest

from harness.tap.rules import Delay, Status
from tests.tap.bench import GET, OK, Bench, Dialled, Seen, answers_ok, until

CHUNKED = b"POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel\nl\r\n6;x=y\r\n o\r\n\r\n\r\n0\r\nTrailer: t\r\n\r\n"


def _says(answer: bytes, then: str = "keep") -> object:
    """A server that answers each head with these bytes, and closes after the first where it is told to."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if then == "close":
                return

    return handler


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def _swallows(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with what came, once the client has said FIN."""
    got = await reader.read(-1)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(got) + got)


def test_keep_alive_is_one_connection_and_many_attempts(bench: Bench):
    """Three requests over one connection are three rows with one number."""
    seen = Seen()
    name, at = bench.link(seen)
    with bench.recording() as rows, Dialled(at) as client:
        assert [client.ask() for _ in range(3)] == [(200, b"ok")] * 3
    assert seen.requests == [GET] * 3
    assert [(row["link"], row["method"], row["path"], row["status"], row["outcome"]) for row in rows] == [
        (name, "GET", "/", 200, "ok")
    ] * 3
    assert len({row["connection"] for row in rows}) == 1
    assert all(row["started_ns"] <= row["ended_ns"] for row in rows)


def test_a_chunked_body_passes_as_it_came(bench: Bench):
    """With its extensions and trailers; its body is counted without them."""
    name, at = bench.link(_swallows)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(CHUNKED)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.rest().endswith(CHUNKED)
    (row,) = rows
    assert (row["request_bytes"], row["outcome"], row["status"]) == (11, "ok", 200)
    assert row["request_hash"] is not None


def test_a_chunked_answer_passes_as_it_came(bench: Bench):
    """And the connection goes on after it."""
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\n\r\n"
    _, at = bench.link(_says(answer))
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(2):
            client.send(GET)
            assert client.exactly(len(answer)) == answer
    assert [(row["answer_bytes"], row["outcome"]) for row in rows] == [(4, "ok")] * 2


def test_requests_in_one_packet_are_answered_in_turn(bench: Bench):
    """Pipelining: all pass at once, and each answer is its own attempt's."""

    async def slow_then_quick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(3):
            head = await reader.readuntil(b"\r\n\r\n")
            body = head.split()[1]
            writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (200 + number, len(body)) + body)

    _, at = bench.link(slow_then_quick)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"GET /a HTTP/1.1\r\n\r\nGET /bb HTTP/1.1\r\n\r\nGET /ccc HTTP/1.1\r\n\r\n")
        assert [client.answer() for _ in range(3)] == [(200, b"/a"), (201, b"/bb"), (202, b"/ccc")]
    assert [(row["path"], row["status"], row["answer_bytes"]) for row in rows] == [
        ("/a", 200, 2),
        ("/bb", 201, 3),
        ("/ccc", 202, 4),
    ]


def test_expect_100_continue_passes(bench: Bench):
    """The interim answer reaches the client before it sends its body, and is not its answer."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(4)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK.replace(b"ok", body[:2]))

    _, at = bench.link(handler)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"PUT /x HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        client.send(b"body")
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 103")
        assert client.answer() == (200, b"bo")
    assert [(row["status"], row["request_bytes"], row["outcome"]) for row in rows] == [(200, 4, "ok")]


def test_the_answer_to_a_head_has_no_body(bench: Bench):
    """Though it speaks of one: what follows is the next answer, also in the same packet."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + head + OK)
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)

    _, at = bench.link(handler)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET + GET.replace(b"GET", b"HEAD") + GET)
        whole = OK + head + OK
        assert client.exactly(len(whole)) == whole
        for _ in range(2):
            client.send(GET.replace(b"GET", b"HEAD"))
            assert client.exactly(len(head)) == head
    assert [(row["method"], row["answer_bytes"], row["outcome"]) for row in rows] == [
        ("GET", 2, "ok"),
        ("HEAD", 0, "ok"),
        ("GET", 2, "ok"),
        ("HEAD", 0, "ok"),
        ("HEAD", 0, "ok"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_an_answer_without_a_body_ends_with_its_head(bench: Bench, answer: bytes):
    """204 and 304, whatever length they speak of."""
    _, at = bench.link(_says(answer))
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(2):
            client.send(GET)
            assert client.exactly(len(answer)) == answer
    assert [row["outcome"] for row in rows] == ["ok", "ok"]


def test_an_answer_that_ends_with_its_connection_is_whole(bench: Bench):
    """FIN is its end; RST is not."""
    _, at = bench.link(_says(b"HTTP/1.0 200 OK\r\n\r\nall there is", "close"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        assert client.rest() == b"HTTP/1.0 200 OK\r\n\r\nall there is"
    assert [(row["outcome"], row["error"], row["answer_bytes"]) for row in rows] == [("ok", None, 12)]


@pytest.mark.parametrize("rule", [None, Delay(name="w", delay_ms=1)])
def test_after_an_upgrade_all_passes_byte_for_byte(bench: Bench, rule: Delay | None):
    """101 is the whole answer, and what follows is not HTTP."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello")
        await _echo(reader, writer)

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
        await _echo(reader, writer)

    _, at = bench.link(handler)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"CONNECT bank:443 HTTP/1.1\r\n\r\n")
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        client.send(b"\x16\x03\x01")
        assert client.exactly(3) == b"\x16\x03\x01"
    assert [(row["method"], row["path"], row["outcome"]) for row in rows] == [("CONNECT", "{}", "ok")]


def test_connect_that_is_refused_leaves_the_connection_as_it_is(bench: Bench):
    """The next request is seen."""
    _, at = bench.link(_says(b"HTTP/1.1 405 No\r\nContent-Length: 2\r\n\r\nno"))
    with bench.recording() as rows, Dialled(at) as client:
        assert client.ask(b"CONNECT bank:443 HTTP/1.1\r\n\r\n") == (405, b"no")
        assert client.ask() == (405, b"no")
    assert [row["method"] for row in rows] == ["CONNECT", "GET"]


def test_a_client_may_say_fin_and_wait(bench: Bench):
    """Half closed: the service sees the FIN, and its answer comes all the same."""
    _, at = bench.link(_swallows)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.rest().endswith(GET)
    assert [(row["outcome"], row["error"]) for row in rows] == [("ok", None)]


def test_a_service_may_say_fin_and_listen(bench: Bench):
    """Half closed the other way: what the client says after it arrives."""
    heard = bytearray()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.write_eof()
        heard.extend(await reader.read(-1))

    _, at = bench.link(handler)
    with Dialled(at) as client:
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        assert client.rest().endswith(b"ok")
        client.send(b"still")
        client.send(b"here")
        client.socket.shutdown(socket.SHUT_WR)
        until(lambda: bytes(heard) == b"stillhere")


@pytest.mark.parametrize("ruled", [False, True])
def test_a_client_that_trickles_is_passed_on_and_seen(bench: Bench, ruled: bool):
    """Byte by byte, in every place where a request and a head can be cut."""
    seen = Seen()
    name, at = bench.link(seen)
    if ruled:
        bench.tap.put(name, Status(name="w", path="/never"))
    request = b"POST /orders/7 HTTP/1.1\r\nContent-Length: 5\r\nIdempotency-Key: k-1\r\n\r\n\r\n\r\nx"
    with bench.recording() as rows, Dialled(at) as client:
        for byte in request + request:
            client.send(bytes([byte]))
        assert [client.answer() for _ in range(2)] == [(200, b"ok")] * 2
    assert seen.requests == [request] * 2
    assert [(row["path"], row["key"], row["request_bytes"]) for row in rows] == [("/orders/{}", "k-1", 5)] * 2


def test_an_answer_that_trickles_is_passed_on_and_seen(bench: Bench):
    """Byte by byte, also where its end must be known: it answers a HEAD."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0)

    _, at = bench.link(handler)
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(3):
            client.send(b"HEAD / HTTP/1.1\r\n\r\n")
            assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert [row["outcome"] for row in rows] == ["ok"] * 3


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
    name, at = bench.link(_echo)
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
    name, at = bench.link(_echo)
    if ruled:
        bench.tap.put(name, Status(name="w"))
    with bench.recording() as rows, Dialled(at) as client:
        for data in (b"P", b"O", b"\x00ST / HTTP", GET):
            client.send(data)
        expected = b"PO\x00ST / HTTP" + GET
        assert client.exactly(len(expected)) == expected
    assert rows == []
    assert (bench.tap.links()[name].http, bench.tap.links()[name].others) == (0, 1)


def test_a_server_that_speaks_first_passes(bench: Bench):
    """SMTP and MySQL do; the client's words after it are not taken for requests."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ESMTP\r\n")
        await _echo(reader, writer)

    _, at = bench.link(handler)
    with bench.recording() as rows, Dialled(at) as client:
        assert client.until(b"\n") == b"220 mail ESMTP\r\n"
        client.send(GET)
        assert client.exactly(len(GET)) == GET
    assert rows == []


def test_no_delay_on_either_side(bench: Bench):
    """Small packets go out at once: forty round trips of two small writes take no forty milliseconds each."""
    _, at = bench.link(answers_ok)
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(40):
            client.send(GET[:10])
            client.send(GET[10:])
            client.answer()
    took_ms = [(row["ended_ns"] - row["started_ns"]) / 1e6 for row in rows]
    assert sorted(took_ms)[20] < 30
