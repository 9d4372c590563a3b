"""Rules that hold or double requests: what waits, for how long, and what becomes of it."""

from __future__ import annotations

import select
import time

import pytest

from harness.tap.rules import Delay, Duplicate, Hang, Rule, Status
from tests.tap.bench import Bench, Dialled, put, until
from tests.tap.servers import GET, POST, Seen


def test_delay_holds_the_request_and_keeps_the_order(bench: Bench):
    """What comes behind it does not overtake; the time is in the attempt."""
    seen, at, _number = put(bench, Delay(name="slow", delay_ms=300, path="/orders"))
    with bench.recording() as rows, Dialled(at) as client:
        client.send(POST[:-2])
        assert client.silent(0.1)
        client.send(POST[-2:] + GET)
        assert client.silent(0.1)
        assert seen.requests == []
        assert [client.answer()[0] for _ in range(2)] == [200, 200]
        assert seen.requests == [POST, GET]
    assert rows[0]["injected"] == "slow"
    assert 299 <= (rows[0]["ended_ns"] - rows[0]["started_ns"]) / 1e6 < 600


@pytest.mark.parametrize("rule", [Delay(name="held", delay_ms=60_000), Hang(name="held")])
def test_taking_a_rule_off_lets_go_of_who_waits_in_it(bench: Bench, rule: Rule):
    """At once, whole and in order, on every connection."""
    seen, at, number = put(bench, rule)
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
    seen, at, number = put(bench, Hang(name="hung"))
    with bench.recording() as rows:
        with Dialled(at) as client:
            client.send(POST)
            assert client.silent(0.2)
        client = Dialled(at)
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 99000000\r\n\r\n")
        client.fill()
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
    sent, done = b"POST / HTTP/1.1\r\nContent-Length: 30000000\r\n\r\n" + bytes(30_000_000), 0
    seen, at, number = put(bench, Hang(name="hung"))
    with Dialled(at) as client:
        while select.select([], [client.socket], [], 0.5)[1]:
            done += client.socket.send(sent[done : done + 65_536])
        bench.tap.take_off(number)
        client.send(sent[done:])
        assert client.answer() == (200, b"ok")
    assert seen.requests == [sent]


def test_duplicate_delivers_the_request_a_second_time(bench: Bench):
    """On a connection of its own, whole; the client has one answer, and there is one attempt."""
    seen, at, number = put(bench, Duplicate(name="twice", method="POST"))
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
    _seen, at, _ = put(bench, Delay(name="first", delay_ms=200))
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


def test_what_comes_after_a_last_request_passes(bench: Bench):
    """Its client said that it would be the last, and says more: the service is given it, as it would have been."""
    seen, at, _ = put(bench, Status(name="down", path="/never"))
    last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
    with bench.recording() as rows, Dialled(at) as client:
        client.send(last + GET)
        assert [client.answer()[0] for _ in range(2)] == [200, 200]
    assert seen.requests == [last, GET]
    assert [row["outcome"] for row in rows] == ["ok"]


@pytest.mark.parametrize("rule", [Delay(name="held", delay_ms=700), Hang(name="held")])
@pytest.mark.parametrize("sent", [POST, POST[:-2]])
def test_a_client_that_leaves_while_it_is_held_is_gone_from_then_on(bench: Bench, rule: Rule, sent: bytes):
    """Whether the tap reads it at that moment or not; a delay passes its request on all the same, as a network does."""
    seen, at, _ = put(bench, rule)
    name = list(bench.tap.links())[-1]
    with bench.recording() as rows:
        with Dialled(at) as client:
            client.send(sent)
            assert client.silent(0.2)
        left_ns = time.monotonic_ns()
        until(lambda: bench.tap.links()[name].connections == 0)
    assert [(row["outcome"], row["error"]) for row in rows] == [("unknown", "gone")]
    assert abs(rows[0]["ended_ns"] - left_ns) < 0.2e9
    assert len(seen.requests) == (rule.kind == "delay" and sent == POST)
