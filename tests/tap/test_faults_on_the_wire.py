"""What each rule does to real requests, that the connection stays usable, and that its end is at once."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from harness.tap.rules import (
    CutBody,
    Delay,
    Duplicate,
    FailFirst,
    FailRatio,
    Hang,
    Rule,
    SlowBody,
    Status,
    WrongContentType,
)
from tests.tap.bench import GET, OK, Bench, Dialled, Seen, until

POST = b"POST /orders/7 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"
LONG = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000


def _put(bench: Bench, rule: Rule, answer: bytes = OK) -> tuple[Seen, str, int]:
    seen = Seen(answer)
    name, at = bench.link(seen)
    return seen, at, bench.tap.put(name, rule)


def test_status_answers_and_the_service_never_hears(bench: Bench):
    """With Retry-After and a body, in the attempt too; other methods and paths pass."""
    rule = Status(name="down", code=429, retry_after_s=7, body="later", method="POST", path="/orders/{}")
    seen, at, _ = _put(bench, rule)
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
    seen, at, _ = _put(bench, Status(name="down"))
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
    _, at, _ = _put(bench, Status(name="down"))
    with Dialled(at) as client:
        for _ in range(2):
            client.send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(b"body")
            assert client.answer() == (503, b"")


@pytest.mark.parametrize("last", [b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"])
def test_a_client_that_wants_no_more_is_answered_and_closed(bench: Bench, last: bytes):
    """As a server does."""
    _, at, _ = _put(bench, Status(name="down", body="no"))
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
    seen, at, _ = _put(bench, FailFirst(name="flaky", first=2, code=500))

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
    _, at, _ = _put(bench, rule)
    with Dialled(at) as client:
        got = [client.ask()[0] for _ in range(60)]
    assert got == [503 if rule.hits(n) else 200 for n in range(60)]


def test_delay_holds_the_request_and_keeps_the_order(bench: Bench):
    """What comes behind it does not overtake; the time is in the attempt."""
    seen, at, number = _put(bench, Delay(name="slow", delay_ms=300, path="/orders"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(POST[:-2])
        assert client.silent(0.1)
        client.send(POST[-2:] + GET)
        assert client.silent(0.1)
        assert seen.requests == []
        assert [client.answer()[0] for _ in range(2)] == [200, 200]
        assert seen.requests == [POST, GET]
    assert rows[0]["injected"] == "slow"
    assert 300 <= (rows[0]["ended_ns"] - rows[0]["started_ns"]) / 1e6 < 600


@pytest.mark.parametrize("rule", [Delay(name="held", delay_ms=60_000), Hang(name="held")])
def test_taking_a_rule_off_lets_go_of_who_waits_in_it(bench: Bench, rule: Rule):
    """At once, whole and in order, on every connection."""
    seen, at, number = _put(bench, rule)
    with bench.recording() as rows, Dialled(at) as one, Dialled(at) as two:
        one.send(POST + GET + POST)
        two.send(POST[:-1])
        assert one.silent()
        two.send(POST[-1:])
        assert two.silent()
        assert seen.requests == []
        bench.tap.take_off(number)
        assert [one.answer()[0] for _ in range(3)] == [200] * 3
        assert two.answer()[0] == 200
        assert one.ask() == (200, b"ok")
    assert sorted(seen.requests) == sorted([POST, GET, POST, POST, GET])
    assert [row["injected"] for row in rows].count("held") == 2


def test_a_client_that_leaves_a_hang_is_gone_and_its_request_never_passes(bench: Bench):
    """Also where so much of it came that the tap reads no more; its body was hashed before."""
    seen, at, number = _put(bench, Hang(name="hung"))
    with bench.recording() as rows:
        with Dialled(at) as client:
            client.send(POST)
            assert client.silent(0.2)
        client = Dialled(at)
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 99000000\r\n\r\n")
        client.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            for _ in range(1000):
                client.send(b"x" * 65_536)
        client.reset()
        client = Dialled(at)
        client.send(POST + GET)
        assert client.silent(0.2)
        client.reset()
        until(lambda: bench.tap.links()[list(bench.tap.links())[-1]].connections == 0)
        bench.tap.take_off(number)
    assert seen.requests == []
    assert [(row["outcome"], row["error"], row["injected"]) for row in rows] == [("unknown", "gone", "hung")] * 3
    assert rows[0]["request_hash"] is not None


def test_a_hang_of_a_large_body_passes_whole_when_it_ends(bench: Bench):
    """What was held, and what was not read yet."""
    sent = b"POST / HTTP/1.1\r\nContent-Length: 30000000\r\n\r\n" + bytes(30_000_000)
    seen, at, number = _put(bench, Hang(name="hung"))
    with Dialled(at) as client:
        client.socket.settimeout(0.3)
        done = 0
        with pytest.raises(TimeoutError):
            while True:
                done += client.socket.send(sent[done : done + 65_536])
        bench.tap.take_off(number)
        client.socket.settimeout(10)
        client.send(sent[done:])
        assert client.answer() == (200, b"ok")
    assert seen.requests == [sent]


def test_wrong_content_type_changes_that_line_and_no_other(bench: Bench):
    """And adds it where there was none."""
    seen, at, number = _put(bench, WrongContentType(name="liar"), LONG)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        expected = LONG.replace(b"application/json", b"text/html")
        assert client.exactly(len(expected)) == expected
        bench.tap.take_off(number)
        client.send(GET)
        assert client.exactly(len(LONG)) == LONG
    assert [(row["injected"], row["outcome"], row["answer_bytes"]) for row in rows] == [
        ("liar", "ok", 1000),
        (None, "ok", 1000),
    ]
    assert rows[0]["answer_hash"] == rows[1]["answer_hash"]
    _, at, _ = _put(bench, WrongContentType(name="liar", content_type="text/csv"))
    with Dialled(at) as client:
        client.send(GET)
        assert client.until(b"ok") == OK.replace(b"\r\n\r\n", b"\r\nContent-Type: text/csv\r\n\r\n")


@pytest.mark.parametrize(("end", "error"), [("RST", "reset"), ("FIN", "eof")])
@pytest.mark.parametrize("after", [0, 1, 999])
def test_cut_body_ends_the_connection_in_mid_answer(bench: Bench, end: str, error: str, after: int):
    """After exactly so many bytes; the service's side ends too."""
    seen, at, _ = _put(bench, CutBody(name="cut", after_bytes=after, end=end), LONG)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        assert client.exactly(len(LONG) - 1000 + after) == LONG[: len(LONG) - 1000 + after]
        assert client.how_it_ends() == end
        until(lambda: len(seen.ends) == 1)
    assert [(row["status"], row["outcome"], row["error"], row["injected"], row["answer_bytes"]) for row in rows] == [
        (200, "unknown", error, "cut", after)
    ]


def test_a_body_that_is_short_enough_is_not_cut(bench: Bench):
    """It is whole, and the connection goes on."""
    _, at, _ = _put(bench, CutBody(name="cut", after_bytes=1000), LONG)
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(2):
            assert client.ask() == (200, b"x" * 1000)
    assert [(row["outcome"], row["injected"]) for row in rows] == [("ok", None)] * 2


def test_slow_body_trickles_and_then_comes_at_once(bench: Bench):
    """At its rate while the rule is on; the rest when it is taken off."""
    seen, at, number = _put(bench, SlowBody(name="slow", bytes_per_s=2000), LONG)
    with bench.recording() as rows, Dialled(at) as client:
        began = time.monotonic()
        assert client.ask() == (200, b"x" * 1000)
        assert 0.45 < time.monotonic() - began < 1.0
        client.send(GET + GET)
        client.until(b"\r\n\r\n")
        client.exactly(100)
        began = time.monotonic()
        bench.tap.take_off(number)
        client.exactly(900)
        assert client.answer() == (200, b"x" * 1000)
        assert time.monotonic() - began < 0.3
    assert [(row["outcome"], row["injected"]) for row in rows[:2]] == [("ok", "slow")] * 2
    assert (rows[0]["ended_ns"] - rows[0]["started_ns"]) > 0.45e9


def test_a_slow_body_without_a_length_is_whole_at_its_end(bench: Bench):
    """The connection's FIN comes after the last byte."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 400)

    name, at = bench.link(handler)
    bench.tap.put(name, SlowBody(name="slow", bytes_per_s=1000))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        assert client.rest().endswith(b"y" * 400)
    assert [(row["outcome"], row["answer_bytes"], row["injected"]) for row in rows] == [("ok", 400, "slow")]


def test_duplicate_delivers_the_request_a_second_time(bench: Bench):
    """On a connection of its own, whole; the client has one answer, and there is one attempt."""
    seen, at, number = _put(bench, Duplicate(name="twice", method="POST"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(POST[:-3])
        client.send(POST[-3:])
        assert client.answer() == (200, b"ok")
        until(lambda: seen.requests == [POST, POST])
        assert seen.connections == 2
        until(lambda: seen.ends == ["FIN"])
        assert client.silent(0.1)
        assert client.ask() == (200, b"ok")
        bench.tap.take_off(number)
        assert client.ask(POST) == (200, b"ok")
    assert seen.requests == [POST, POST, GET, POST]
    assert [row["injected"] for row in rows] == ["twice", None, None]


def test_rules_act_in_their_order_and_the_first_that_answers_wins(bench: Bench):
    """A delay before it is waited for; one behind it is not."""
    seen, at, _ = _put(bench, Delay(name="first", delay_ms=200))
    name = list(bench.tap.links())[-1]
    second = bench.tap.put(name, Status(name="second", code=418))
    bench.tap.put(name, Hang(name="third"))
    bench.tap.put(name, Status(name="fourth", code=500))
    with bench.recording() as rows, Dialled(at) as client:
        began = time.monotonic()
        assert client.ask()[0] == 418
        assert 0.2 <= time.monotonic() - began < 0.6
        bench.tap.take_off(second)
        client.send(GET)
        assert client.silent(0.4)
        bench.tap.clear()
        assert client.answer()[0] == 200
    assert [row["injected"] for row in rows] == ["second", "first"]


def test_a_rule_acts_on_connections_that_stand(bench: Bench):
    """From the next request on; one that was half sent before it passes."""
    seen = Seen()
    name, at = bench.link(seen)
    with Dialled(at) as client:
        assert client.ask() == (200, b"ok")
        client.send(POST[:-2])
        until(lambda: bench.tap.links()[name].http == 1)
        bench.tap.put(name, Status(name="down"))
        client.send(POST[-2:] + GET)
        assert [client.answer()[0] for _ in range(2)] == [200, 503]
    assert seen.requests == [GET, POST]


def test_half_a_request_that_a_rule_took_ends_with_its_client(bench: Bench):
    """FIN in the middle of a body: nobody is answered, and nothing is left."""
    _, at, _ = _put(bench, Status(name="down"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(POST[:-2])
        client.socket.shutdown(socket.SHUT_WR)
        assert client.how_it_ends() == "FIN"
    assert [(row["outcome"], row["error"], row["request_bytes"]) for row in rows] == [("unknown", "gone", 2)]


def test_a_malformed_request_under_a_rule_that_answers_hangs_nobody(bench: Bench):
    """The rule has half of it and cannot give it back: a reset."""
    _, at, _ = _put(bench, Status(name="down"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        assert client.how_it_ends() == "RST"
    assert [(row["outcome"], row["error"]) for row in rows] == [("unknown", "malformed")]
