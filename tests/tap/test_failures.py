"""How a connection fails reaches the other side as it was, and the attempt's row says which."""

from __future__ import annotations

import asyncio
import select
import socket
import time

import pytest

from harness.errors import TapError
from harness.tap.rules import Delay, Status
from tests.tap.bench import Bench, Dialled, ending, running_tap, until
from tests.tap.servers import GET, OK, Seen, after_head, answers_ok

POST = b"POST /orders/42 HTTP/1.1\r\nIdempotency-Key: k-1\r\nContent-Length: 4\r\n\r\nbody"


def test_a_service_that_refuses_is_a_reset_at_once(bench: Bench):
    """The attempt failed for certain, and has its method, its path and its key."""
    _, at = bench.dead_link()
    with bench.recording() as rows:
        began = time.monotonic()
        with Dialled(at) as client:
            client.send(POST)
            assert client.how_it_ends() == "RST"
        assert time.monotonic() - began < 1
    assert ending(rows) == [(None, "fail", "refused")]
    assert (rows[0]["method"], rows[0]["path"], rows[0]["key"]) == ("POST", "/orders/{}", "k-1")


def test_a_refused_client_that_says_nothing_is_reset_too(bench: Bench):
    """After a moment in which its request could come; there is no attempt to record."""
    _, at = bench.dead_link()
    with bench.recording() as rows, Dialled(at) as client:
        assert client.how_it_ends() == "RST"
    assert rows == []


@pytest.mark.parametrize("rule", [Status(name="w"), Delay(name="w", delay_ms=5000)])
def test_a_service_that_refuses_does_so_under_rules(bench: Bench, rule: Status | Delay):
    """No rule answers for a service that cannot be dialled."""
    name, at = bench.dead_link()
    bench.tap.put(name, rule)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(POST[:20])
        client.send(POST[20:])
        assert client.how_it_ends() == "RST"
    assert [row["error"] for row in rows] == ["refused"]


def test_a_service_that_resets_is_a_reset(bench: Bench):
    """Nothing of the answer came."""
    _, at = bench.link(after_head(b"", "RST"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        assert client.how_it_ends() == "RST"
    assert ending(rows) == [(None, "unknown", "reset")]


def test_a_reset_in_mid_answer_comes_after_what_was_said(bench: Bench):
    """The client has the first part, and then RST; the row has the status and the bytes."""
    _, at = bench.link(after_head(OK.replace(b": 2", b": 9"), "RST"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        assert client.until(b"ok").endswith(b"ok")
        assert client.how_it_ends() == "RST"
    assert ending(rows) == [(200, "unknown", "reset")]
    assert (rows[0]["answer_bytes"], rows[0]["answer_hash"]) == (2, None)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 200),
    ],
)
def test_a_service_that_says_fin_too_early_is_a_fin(bench: Bench, said: bytes, status: int | None):
    """Before the answer, in its head, in its body."""
    _, at = bench.link(after_head(said, "FIN"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        assert client.rest() == said
    assert ending(rows) == [(status, "unknown", "eof")]


def test_a_client_that_resets_is_a_reset_to_the_service(bench: Bench):
    """And its attempt is gone."""
    seen: list[str] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await reader.read(-1)
            seen.append("FIN")
        except ConnectionResetError:
            seen.append("RST")

    _, at = bench.link(handler)
    with bench.recording() as rows:
        client = Dialled(at)
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nsome")
        until(lambda: bench.tap.links()[list(bench.tap.links())[-1]].http == 1)
        client.reset()
        until(lambda: seen == ["RST"])
    assert ending(rows) == [(None, "unknown", "gone")]
    assert (rows[0]["request_bytes"], rows[0]["request_hash"]) == (4, None)


def test_a_client_that_left_before_its_answer_is_gone_and_not_ok(bench: Bench):
    """Its time-out closed the connection: what the service answers later reaches nobody."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await go.wait()
        writer.write(OK)
        await writer.drain()
        await reader.read(-1)

    name, at = bench.link(handler)
    with bench.recording() as rows:
        client = Dialled(at)
        client.send(GET)
        until(asked.is_set)
        client.socket.close()
        left_ns = time.monotonic_ns()
        assert len(select_nothing(0.3)) == 0
        bench.servers.loop.call_soon_threadsafe(go.set)
        until(lambda: bench.tap.links()[name].connections == 0)
    assert ending(rows) == [(200, "unknown", "gone")]
    assert abs(rows[0]["ended_ns"] - left_ns) < 0.2e9


def select_nothing(for_s: float) -> list[object]:
    """Let so much time pass, in which something wrong could happen."""
    return select.select([], [], [], for_s)[0]


def test_an_answer_before_the_end_of_the_request_reaches_the_client(bench: Bench):
    """A service that takes no more answers 413 and closes with the body unread, which resets the connection."""
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"
    _, at = bench.link(after_head(answer, "FIN"))
    for _ in range(5):
        with bench.recording() as rows, Dialled(at) as client:
            client.send(b"POST / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n")
            try:
                for _ in range(100):
                    client.send(b"x" * 65_536)
            except (ConnectionResetError, BrokenPipeError):
                pass
            assert client.answer() == (413, b"big")
        assert ending(rows) == [(413, "ok", None)]


def test_a_client_that_leaves_while_nobody_reads_it_is_noticed(bench: Bench):
    """The service does not read, so the tap does not: the reset passes on all the same."""
    go, ended = asyncio.Event(), []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go.wait()
        try:
            await reader.read(-1)
        except ConnectionResetError:
            ended.append("RST")

    name, at = bench.link(handler)
    with bench.recording() as rows:
        client = Dialled(at)
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 99000000\r\n\r\n")
        client.fill()
        client.reset()
        until(lambda: bench.tap.links()[name].connections == 0)
        bench.servers.loop.call_soon_threadsafe(go.set)
        until(lambda: ended == ["RST"])
    assert ending(rows) == [(None, "unknown", "gone")]


def _full() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full: whoever dials it waits."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(2):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
        waiting.append(one)
    return listener, waiting


def test_a_service_that_cannot_be_reached_is_dialled_as_long_as_the_client_stays(bench: Bench):
    """Nothing is refused in its name, and nothing is left of it when the client has gone."""
    listener, waiting = _full()
    try:
        host, port = listener.getsockname()
        name, at = bench.link_to(f"{host}:{port}")
        with bench.recording() as rows:
            with Dialled(at) as client:
                client.send(GET)
                assert client.silent(1.0)
            until(lambda: bench.tap.links()[name].connections == 0)
        assert ending(rows) == [(None, "unknown", "gone")]
    finally:
        for one in (*waiting, listener):
            one.close()


def test_a_tap_that_is_killed_resets_and_hangs_nobody(tmp_path):
    """Its clients and its services see their connections end; the recording says that it broke off."""
    with running_tap(tmp_path) as bench:
        seen = Seen()
        _, at = bench.link(seen)
        recording = bench.tap.record(0, tmp_path / "taps.arrow")
        with Dialled(at) as client:
            assert client.ask() == (200, b"ok")
            bench.process.kill()
            assert client.how_it_ends() in ("RST", "FIN")
        until(lambda: len(seen.ends) == 1)
        until(lambda: recording.ended)
        with pytest.raises(TapError, match="ended while it recorded"):
            recording.stop()
        with pytest.raises(TapError, match="is it running"):
            bench.tap.links()


def test_an_idle_connection_that_either_side_closes_is_no_attempt(bench: Bench):
    """FIN passes, and nothing is recorded beyond what was answered."""
    name, at = bench.link(answers_ok)
    with bench.recording() as rows:
        for _ in range(2):
            with Dialled(at) as client:
                client.ask()
        until(lambda: bench.tap.links()[name].connections == 0)
    assert ending(rows) == [(200, "ok", None)] * 2
