"""The control: every answer is looked at, every wait has a deadline, nonsense is told and harms nobody."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time

import pytest

from harness.errors import TapError
from harness.stack.ports import free_ports
from harness.tap import client
from harness.tap.client import TapClient
from harness.tap.rules import Delay, Status
from tests.tap.bench import Bench, Dialled
from tests.tap.servers import answers_ok


def _say(bench: Bench, line: bytes) -> dict[str, object]:
    with Dialled(bench.tap.address) as raw:
        raw.send(line + b"\n")
        answer: dict[str, object] = json.loads(raw.until(b"\n"))
        return answer


def test_a_link_is_what_it_was_made(bench: Bench):
    """Its name, its addresses, its rules in their order, who speaks what."""
    name, at = bench.link(answers_ok)
    first = bench.tap.put(name, Delay(name="a", delay_ms=1))
    second = bench.tap.put(name, Status(name="b", code=500, path="/x"))
    with Dialled(at) as raw:
        raw.ask()
        link = bench.tap.links()[name]
    assert (link.name, link.listen, link.connections, link.http, link.others) == (name, at, 1, 1, 0)
    assert link.rules == ((first, Delay(name="a", delay_ms=1)), (second, Status(name="b", code=500, path="/x")))
    bench.tap.take_off(first)
    bench.tap.take_off(first)
    assert [number for number, _ in bench.tap.links()[name].rules] == [second]
    assert bench.tap.clear() == 1
    assert bench.tap.links()[name].rules == ()


def test_what_cannot_be_is_told(bench: Bench):
    """A port that is taken, a name that is taken, a link that is not there, an address that is none."""
    name, at = bench.link(answers_ok)
    with pytest.raises(TapError, match=rf"cannot listen on {at}: .*in use"):
        bench.tap.add("other", at, "127.0.0.1:1")
    with pytest.raises(TapError, match=f"there is a link '{name}' already"):
        bench.tap.add(name, "127.0.0.1:0", "127.0.0.1:1")
    with pytest.raises(TapError, match="unknown link 'lnk-0'"):
        bench.tap.put("lnk-0", Status(name="w"))
    with pytest.raises(TapError, match="an address is host:port; given 'nowhere'"):
        bench.tap.add("other", "127.0.0.1:0", "nowhere")
    assert "other" not in bench.tap.links()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"hello", "Expecting value"),
        (b"[1]", "must be"),
        (b"{}", "lacks 'do'"),
        (b'{"do": "stats"}', "did you mean 'state'"),
        (b'{"do": "put", "link": "x"}', "unknown link 'x'"),
        (b'{"do": "take_off", "id": "x"}', "invalid literal"),
        (b'{"do": "record"}', "lacks 'zero_ns'"),
        (b'{"do": "record", "zero_ns": "x"}', "invalid literal"),
        (b"\xff\xfe", "decode"),
    ],
)
def test_nonsense_is_answered_with_a_sentence(bench: Bench, line: bytes, says: str):
    """And the tap goes on."""
    assert says in str(_say(bench, line)["error"])
    assert bench.tap.links() is not None


def test_a_browser_steers_nothing(bench: Bench):
    """A page may send whatever body it likes to a port of this machine: the connection ends at the head."""
    name, _ = bench.link(answers_ok)
    bench.tap.put(name, Status(name="w"))
    with Dialled(bench.tap.address) as raw:
        raw.send(b'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 16\r\n\r\n{"do": "clear"}\n')
        with contextlib.suppress(ConnectionError):
            while raw.socket.recv(1 << 16):
                pass
    assert len(bench.tap.links()[name].rules) == 1


def test_a_line_without_end_is_cut_off(bench: Bench):
    """It fills no memory."""
    with Dialled(bench.tap.address) as raw, pytest.raises((ConnectionResetError, BrokenPipeError)):
        raw.fill()
    assert bench.tap.links() is not None


def test_a_tap_that_does_not_answer_is_an_error_in_time(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """It is frozen: every call of the client ends by its deadline."""
    monkeypatch.setattr(client, "DEADLINE_S", 0.3)
    os.kill(bench.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(TapError, match=r"did not answer state within 0.3 s"):
            bench.tap.links()
        assert time.monotonic() - began < 2
    finally:
        os.kill(bench.process.pid, signal.SIGCONT)
    monkeypatch.undo()
    assert bench.tap.links() is not None


def test_a_tap_that_is_not_there_is_an_error():
    """With the address, and what to look at."""
    with pytest.raises(TapError, match="is it running"):
        TapClient(f"127.0.0.1:{free_ports(1)[0]}").links()


def test_the_clock_is_the_machines(bench: Bench):
    """CLOCK_MONOTONIC is one for all processes of a kernel."""
    before = time.monotonic_ns()
    assert before < bench.tap.clock_ns() < time.monotonic_ns()


def test_a_listener_on_ipv6(bench: Bench):
    """An address in brackets."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    upstream = bench.servers.serve(answers_ok)
    try:
        link = bench.tap.add("six", "[::1]:0", upstream)
    except TapError as error:
        pytest.skip(str(error))
    with Dialled(link.listen.replace("[", "").replace("]", "")) as raw:
        assert raw.ask() == (200, b"ok")


def test_every_address_of_both_families(bench: Bench):
    """`[::]` is met by IPv4 too, as that of Toxiproxy is in whose place a tap listens."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    link = bench.tap.add("both", "[::]:0", bench.servers.serve(answers_ok))
    with Dialled(f"127.0.0.1:{link.listen.rpartition(':')[2]}") as raw:
        assert raw.ask() == (200, b"ok")
