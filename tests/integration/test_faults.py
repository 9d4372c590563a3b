"""Every fault against a real toxiproxy-server and an echo server: what a client meets, and that it is gone after."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from harness import Bandwidth, Blackhole, Latency, LimitData, Noop, Outage, Reset, Slicer, SlowClose
from harness.errors import ToxiproxyError
from harness.stack.heal import heal
from harness.stack.toxiproxy import Toxic, ToxiproxyClient
from tests.integration.bench import Bench


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
