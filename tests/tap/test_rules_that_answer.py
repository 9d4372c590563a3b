"""What each rule does to real requests, that the connection stays usable, and that its end is at once."""

from __future__ import annotations

import asyncio
import socket

import pytest

from harness.tap.rules import FailFirst, FailRatio, Status
from tests.tap.bench import Bench, Dialled, put, until
from tests.tap.servers import GET, OK, POST, Seen


def test_status_answers_and_the_service_never_hears(bench: Bench):
    """With Retry-After and a body, in the attempt too; other methods and paths pass."""
    rule = Status(name="down", code=429, retry_after_s=7, body="later", method="POST", path="/orders/{}")
    seen, at, _ = put(bench, rule)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(POST)
        head = client.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b"\r\nRetry-After: 7\r\n" in head
        assert client.exactly(5) == b"later"
        assert client.ask(GET) == (200, b"ok")
    assert seen.requests == [GET]
    first, second = rows
    assert (first["status"], first["outcome"], first["retry_after_s"], first["injected"]) == (429, "ok", 7.0, "down")
    assert (first["request_bytes"], first["answer_bytes"]) == (4, 5)
    assert (second["injected"], second["status"]) == (None, 200)


def test_the_whole_request_is_taken_before_it_is_answered(bench: Bench):
    """A large body, chunked, in many packets; it is hashed, and the next request is the next."""
    seen, at, _ = put(bench, Status(name="down"))
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(2):
            client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
            assert client.silent(0.1)
            client.send(chunk * 40 + b"0\r\n\r\n")
            assert client.answer() == (503, b"")
    assert seen.requests == []
    assert [row["request_bytes"] for row in rows] == [41 * 0x10000] * 2
    assert rows[0]["request_hash"] == rows[1]["request_hash"] is not None


def test_a_rule_gives_leave_to_send_the_body(bench: Bench):
    """A client that expects 100 Continue need not wait for a time-out of its own."""
    _, at, _ = put(bench, Status(name="down"))
    with Dialled(at) as client:
        for _ in range(2):
            client.send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(b"body")
            assert client.answer() == (503, b"")


@pytest.mark.parametrize("last", [b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"])
def test_a_client_that_wants_no_more_is_answered_and_closed(bench: Bench, last: bytes):
    """As a server does."""
    _, at, _ = put(bench, Status(name="down", body="no"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(last)
        assert client.answer() == (503, b"no")
        assert client.how_it_ends() == "FIN"
    assert [row["outcome"] for row in rows] == ["fail"]


def test_answers_of_rules_keep_their_turn(bench: Bench):
    """Requests in one packet, some answered by a rule and some by a service that takes its time."""
    go = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await go.wait()
        writer.write(OK + OK)
        await reader.read(-1)

    name, at = bench.link(handler)
    bench.tap.put(name, Status(name="down", path="/bad"))
    with bench.recording() as rows, Dialled(at) as client:
        bad = b"GET /bad HTTP/1.1\r\n\r\n"
        client.send(bad + GET + bad + GET + bad + bad)
        assert client.answer() == (503, b"")
        assert client.silent()
        bench.servers.loop.call_soon_threadsafe(go.set)
        assert [client.answer()[0] for _ in range(5)] == [200, 503, 200, 503, 503]
    assert [row["status"] for row in rows] == [503, 200, 503, 200, 503, 503]


def test_the_first_attempts_of_each_key_fail(bench: Bench):
    """Then they pass; without a key, method and path are counted, query or not."""
    seen, at, _ = put(bench, FailFirst(name="flaky", first=2, code=500))

    def ask(key: str, target: str = "/orders/7?q=1") -> int:
        header = f"Idempotency-Key: {key}\r\n" if key else ""
        return client.ask(f"POST {target} HTTP/1.1\r\n{header}Content-Length: 0\r\n\r\n".encode())[0]

    with bench.recording() as rows, Dialled(at) as client:
        assert [ask("a"), ask("b"), ask("a"), ask("a"), ask("b"), ask("b")] == [500, 500, 500, 200, 500, 200]
        assert [ask("", "/x/1?a"), ask("", "/x/1?b"), ask("", "/x/1"), ask("", "/x/2")] == [500, 500, 200, 500]
    assert len(seen.requests) == 3
    assert [row["injected"] for row in rows].count("flaky") == 7


def test_a_ratio_fails_requests_and_not_connections(bench: Bench):
    """Those that the seed says, on one connection."""
    rule = FailRatio(name="flaky", ratio=0.4, seed=3)
    _, at, _ = put(bench, rule)
    with Dialled(at) as client:
        got = [client.ask()[0] for _ in range(60)]
    assert got == [503 if rule.hits(n) else 200 for n in range(60)]


def test_half_a_request_that_a_rule_took_ends_with_its_client(bench: Bench):
    """FIN in the middle of a body: nobody is answered, and nothing is left."""
    _, at, _ = put(bench, Status(name="down"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(POST[:-2])
        client.socket.shutdown(socket.SHUT_WR)
        assert client.how_it_ends() == "FIN"
    assert [(row["outcome"], row["error"], row["request_bytes"]) for row in rows] == [("unknown", "gone", 2)]


def test_a_malformed_request_under_a_rule_that_answers_hangs_nobody(bench: Bench):
    """The rule has half of it and cannot give it back: a reset."""
    _, at, _ = put(bench, Status(name="down"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        assert client.how_it_ends() == "RST"
    assert [(row["outcome"], row["error"]) for row in rows] == [("unknown", "malformed")]


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_head_that_ends_between_two_packets_ends_where_it_ends(bench: Bench, cut: int):
    """The request that comes behind it, in the packet that ends it, meets the rule for itself."""
    seen = Seen()
    name, at = bench.link(seen)
    bench.tap.put(name, Status(name="down", path="/bad"))
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(3):
            client.send(GET[:-cut])
            until(lambda: bench.tap.links()[name].http == 1)
            client.send(GET[-cut:] + b"GET /bad HTTP/1.1\r\n\r\n" + GET)
            assert [client.answer()[0] for _ in range(3)] == [200, 503, 200]
    assert seen.requests == [GET] * 6
    assert [row["status"] for row in rows] == [200, 503, 200] * 3
