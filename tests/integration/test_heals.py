"""What healing finds and mends on a real toxiproxy-server, and what the sockets of a link tell."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
import requests

from harness import Latency, Outage
from harness.errors import ToxiproxyError
from harness.stack.heal import heal
from harness.stack.ports import free_ports
from harness.stack.sockets import LinkSockets
from harness.stack.state import StackState
from harness.stack.toxiproxy import Toxic
from harness.waiting import wait_until
from tests.integration.bench import Bench


def test_heal_puts_back_whatever_is_out_of_place(bench: Bench) -> None:
    """Closed, toxic or gone: one heal makes it as it was, says what it found, and finds nothing the second time."""
    Latency("client-echo", delay_ms=100).inject(bench.stack)
    Outage("client-echo").inject(bench.stack)
    report = heal(bench.stack.state)
    assert "client-echo: the proxy was disabled" in report.mended
    assert any("the latency toxic" in sentence for sentence in report.mended)
    assert heal(bench.stack.state).mended == ()
    bench.client.delete("client-echo")
    assert heal(bench.stack.state).mended == ("client-echo: the proxy was gone",)
    assert heal(bench.stack.state).broken == ()


def test_one_that_cannot_be_mended_does_not_keep_the_others_broken(bench: Bench) -> None:
    """A proxy whose port was taken meanwhile is named; the next one is healed all the same."""
    (port,) = free_ports(1)
    bench.client.create("another", f"127.0.0.1:{port}", "127.0.0.1:1")
    state = replace(bench.stack.state, proxies=tuple(bench.client.proxies().values()))
    bench.client.enable("another", False)
    with socket.create_server(("127.0.0.1", port)):
        Latency("client-echo", delay_ms=100).inject(bench.stack)
        report = heal(state)
        assert bench.client.proxy("client-echo").toxics == ()
        assert any(sentence.startswith("another") for sentence in report.broken)
        assert any("client-echo: the latency toxic" in sentence for sentence in report.mended)
    bench.client.delete("another")


def test_heal_keeps_what_was_there_before(bench: Bench) -> None:
    """A toxic that was in before the run is put back when it is missing, and is not taken for a fault."""
    theirs = Toxic("theirs", "latency", "downstream", attributes={"latency": 1, "jitter": 0})
    bench.client.add("client-echo", theirs)
    before = replace(bench.stack.state, proxies=tuple(bench.client.proxies().values()))
    assert heal(before).mended == ()
    bench.client.remove("client-echo", "theirs")
    assert heal(before).mended == ("client-echo: the latency toxic theirs was out",)
    assert bench.client.proxy("client-echo") == before.proxies[0]
    bench.client.remove("client-echo", "theirs")


def test_heal_says_what_it_cannot_mend() -> None:
    """A Toxiproxy that does not answer is named, and nothing is raised."""
    (port,) = free_ports(1)
    state = StackState("test", toxiproxy_url=f"http://127.0.0.1:{port}")
    report = heal(replace(state, links=()))
    assert "did not answer" in report.broken[0]


def test_traffic_on_a_pooled_connection_is_seen_while_it_stands(bench: Bench) -> None:
    """The kernel counts what Toxiproxy itself would tell only when the connection closes."""
    sockets = LinkSockets({"client-echo": f"127.0.0.1:{bench.port}"})
    with bench.dial() as connection:
        bench.echo(connection)
        before = sockets.read(bench.client.closed_bytes())["client-echo"]
        for _ in range(10):
            bench.echo(connection, b"x" * 100)
        after = sockets.read(bench.client.closed_bytes())["client-echo"]
    assert after.received_bytes - before.received_bytes == 1000
    assert after.round_trips - before.round_trips == 10
    assert after.connections == 1
    sockets.close()


def test_traffic_between_two_readings_is_seen_after(bench: Bench) -> None:
    """A connection that came and went unseen is counted by what Toxiproxy tells of it."""
    sockets = LinkSockets({"client-echo": f"127.0.0.1:{bench.port}"})
    before = sockets.read(bench.client.closed_bytes())["client-echo"]
    with bench.dial() as connection:
        bench.echo(connection, b"x" * 500)
    wanted = before.received_bytes + 500
    assert wait_until(lambda: sockets.read(bench.client.closed_bytes())["client-echo"].received_bytes >= wanted, 5)
    sockets.close()


def test_a_taken_port_is_told(bench: Bench) -> None:
    """Toxiproxy's refusal is passed on with its reason."""
    with pytest.raises(ToxiproxyError, match="in use"):
        bench.client.create("second", f"127.0.0.1:{bench.port}", "127.0.0.1:1")
    requests.delete(f"{bench.client.url}/proxies/second", timeout=5)
