"""Every fault against a real toxiproxy-server and an echo server: what a client meets, and that it is gone after."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from harness import Bandwidth, Blackhole, Latency, LimitData, Noop, Outage, Reset, Slicer, SlowClose
from harness.errors import ToxiproxyError
from harness.stack.child import start
from harness.stack.heal import heal
from harness.stack.ports import free_ports, listens
from harness.stack.running import RunningStack
from harness.stack.sockets import LinkSockets
from harness.stack.state import RunningLink, StackState
from harness.stack.toxiproxy import Toxic, ToxiproxyClient
from harness.stack.toxiproxy_server import provide
from harness.waiting import wait_until


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections break here on purpose."""


@dataclass
class Bench:
    """A stack of one link, `client-echo`."""

    stack: RunningStack
    client: ToxiproxyClient
    port: int

    def dial(self, timeout_s: float = 2.0) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)
        made.settimeout(timeout_s)
        return made

    def echo(self, connection: socket.socket, data: bytes = b"x") -> float:
        """Send and receive it all back; how long that took, in seconds. Raises OSError when it is cut."""
        began = time.monotonic()
        connection.sendall(data)
        left = len(data)
        while left:
            got = connection.recv(65536)
            if not got:
                raise ConnectionError("the connection ended")
            left -= len(got)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("toxiproxy")
    api, listen = free_ports(2)
    child = start("toxiproxy", [provide(), "-host", "127.0.0.1", "-port", str(api), "-proxy-metrics"], folder / "log")
    with _Server(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            assert wait_until(lambda: listens("127.0.0.1", api), 10)
            client = ToxiproxyClient(f"http://127.0.0.1:{api}")
            client.create("client-echo", f"127.0.0.1:{listen}", f"127.0.0.1:{server.server_address[1]}")
            link = RunningLink("client-echo", "client", "echo", f"127.0.0.1:{listen}", "")
            state = StackState(
                "test", toxiproxy_url=client.url, links=(link,), proxies=tuple(client.proxies().values())
            )
            yield Bench(RunningStack(state), client, listen)
        finally:
            child.end()
            server.shutdown()


@pytest.fixture(autouse=True)
def _whole(bench: Bench) -> Iterator[None]:
    """Every test leaves the link whole by its own heals."""
    yield
    report = heal(bench.stack.state)
    assert report.mended == ()


def test_noop_changes_nothing(bench: Bench) -> None:
    """The control of every other fault."""
    mend = Noop("client-echo").inject(bench.stack)
    with bench.dial() as connection:
        assert bench.echo(connection) < 0.2
    mend()


def test_latency_slows_standing_connections_too(bench: Bench) -> None:
    """Each round trip takes the delay longer, until it is healed."""
    with bench.dial() as connection:
        bench.echo(connection)
        mend = Latency("client-echo", delay_ms=250).inject(bench.stack)
        assert bench.echo(connection) >= 0.25
        mend()
        assert bench.echo(connection) < 0.25


def test_bandwidth_bounds_the_rate(bench: Bench) -> None:
    """Fifty kilobytes at a hundred a second take half a second."""
    mend = Bandwidth("client-echo", rate_kb_per_s=100).inject(bench.stack)
    with bench.dial(5) as connection:
        assert bench.echo(connection, b"x" * 50_000) >= 0.35
    mend()


def test_an_outage_ends_connections_and_refuses_new_ones(bench: Bench) -> None:
    """At once; and lets them in again when it is healed."""
    with bench.dial() as connection:
        bench.echo(connection)
        mend = Outage("client-echo").inject(bench.stack)
        with pytest.raises(OSError, match=r"ended|reset|[Bb]roken"):
            bench.echo(connection)
    with pytest.raises(ConnectionRefusedError):
        bench.dial()
    mend()
    with bench.dial() as connection:
        bench.echo(connection)


def test_a_blackhole_says_nothing_at_all(bench: Bench) -> None:
    """Connections open, and no answer ever comes."""
    mend = Blackhole("client-echo").inject(bench.stack)
    with bench.dial(0.5) as connection, pytest.raises(TimeoutError):
        bench.echo(connection)
    mend()


def test_a_reset_is_a_reset(bench: Bench) -> None:
    """A new connection is reset when its first answer comes."""
    mend = Reset("client-echo").inject(bench.stack)
    with bench.dial() as connection, pytest.raises(ConnectionResetError):
        bench.echo(connection)
    mend()


def test_slow_close_holds_the_end_back(bench: Bench) -> None:
    """Data passes at once; the end of the connection comes late."""
    mend = SlowClose("client-echo", delay_ms=400).inject(bench.stack)
    with bench.dial(3) as connection:
        assert bench.echo(connection) < 0.3
        connection.shutdown(socket.SHUT_WR)
        began = time.monotonic()
        assert connection.recv(10) == b""
        assert time.monotonic() - began >= 0.35
    mend()


def test_a_slicer_cuts_data_into_pieces(bench: Bench) -> None:
    """One message comes in many reads."""
    mend = Slicer("client-echo", size_bytes=10, delay_us=5_000).inject(bench.stack)
    with bench.dial() as connection:
        connection.sendall(b"x" * 100)
        assert len(connection.recv(65536)) < 100
    mend()


def test_limit_data_cuts_an_answer_short(bench: Bench) -> None:
    """The connection ends after so many bytes."""
    mend = LimitData("client-echo", limit_bytes=100).inject(bench.stack)
    with bench.dial() as connection, pytest.raises(OSError, match=r"ended|reset"):
        bench.echo(connection, b"x" * 1000)
    mend()


def test_two_of_a_kind_on_one_link_each_heal_their_own(bench: Bench) -> None:
    """Overlapping windows of the same fault do not take one another out."""
    first = Latency("client-echo", delay_ms=100).inject(bench.stack)
    second = Latency("client-echo", delay_ms=200).inject(bench.stack)
    with bench.dial() as connection:
        assert bench.echo(connection) >= 0.3
        first()
        assert 0.2 <= bench.echo(connection) < 0.3
        second()
        assert bench.echo(connection) < 0.2


def test_overlapping_outages_end_with_the_last(bench: Bench) -> None:
    """The link opens when no window holds it closed any more."""
    first, second = Outage("client-echo").inject(bench.stack), Outage("client-echo").inject(bench.stack)
    first()
    with pytest.raises(ConnectionRefusedError):
        bench.dial()
    second()
    with bench.dial() as connection:
        bench.echo(connection)


def test_a_fault_of_two_toxics_goes_in_whole_or_not_at_all(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the second of two toxics is refused the first is taken out again."""
    add = ToxiproxyClient.add

    def fail_on_downstream(self: ToxiproxyClient, proxy: str, toxic: Toxic) -> None:
        if toxic.stream == "downstream":
            raise ToxiproxyError("refused")
        add(self, proxy, toxic)

    monkeypatch.setattr(ToxiproxyClient, "add", fail_on_downstream)
    with pytest.raises(ToxiproxyError):
        Blackhole("client-echo").inject(bench.stack)
    assert bench.client.proxy("client-echo").toxics == ()


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
