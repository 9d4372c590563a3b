"""What crosses a tap is what was sent, byte for byte, and each request of it is one attempt."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvloop

from harness.tap.link import Tap
from harness.tap.rules import Status
from tests.tap.bench import Bench, Dialled, until
from tests.tap.servers import GET, OK, Seen, answers_ok, says

CHUNKED = (
    b"POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhel\nl\r\n6;x=y\r\n o\r\n\r\n\r\n0\r\nTrailer: t\r\n\r\n"
)


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
    _name, at = bench.link(_swallows)
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
    _, at = bench.link(says(answer))
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
    _, at = bench.link(says(answer))
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(2):
            client.send(GET)
            assert client.exactly(len(answer)) == answer
    assert [row["outcome"] for row in rows] == ["ok", "ok"]


def test_an_answer_that_ends_with_its_connection_is_whole(bench: Bench):
    """FIN is its end; RST is not."""
    _, at = bench.link(says(b"HTTP/1.0 200 OK\r\n\r\nall there is", "close"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        assert client.rest() == b"HTTP/1.0 200 OK\r\n\r\nall there is"
    assert [(row["outcome"], row["error"], row["answer_bytes"]) for row in rows] == [("ok", None, 12)]


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


def test_no_delay_on_either_side():
    """TCP_NODELAY: no small write waits for 40 ms until the peer acknowledges the one before."""

    async def found() -> list[int]:
        tap = Tap(asyncio.get_running_loop())
        server = await asyncio.start_server(answers_ok, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        link = await tap.add("link", "127.0.0.1:0", f"{host}:{port}")
        host, _, port = link.state()["listen"].rpartition(":")
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(GET)
            await reader.readexactly(len(OK))
        (connection,) = link.connections
        sides = [one.get_extra_info("socket") for one in (connection.transport, connection.upstream.transport)]
        options = [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in sides]
        tap.close()
        writer.close()
        server.close()
        return options

    assert uvloop.run(found()) == [1, 1]
