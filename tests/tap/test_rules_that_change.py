"""Rules that change answers: another content type, a body that is cut, a body that trickles."""

from __future__ import annotations

import asyncio
import time

import pytest

from harness.tap.rules import CutBody, SlowBody, WrongContentType
from tests.tap.bench import Bench, Dialled, put, until
from tests.tap.servers import GET, LONG, OK


def test_wrong_content_type_changes_that_line_and_no_other(bench: Bench):
    """And adds it where there was none."""
    _seen, at, number = put(bench, WrongContentType(name="liar"), LONG)
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
    _, at, _ = put(bench, WrongContentType(name="liar", content_type="text/csv"))
    with Dialled(at) as client:
        client.send(GET)
        assert client.until(b"ok") == OK.replace(b"\r\n\r\n", b"\r\nContent-Type: text/csv\r\n\r\n")


@pytest.mark.parametrize(("end", "error"), [("RST", "reset"), ("FIN", "eof")])
@pytest.mark.parametrize("after", [0, 1, 999])
def test_cut_body_ends_the_connection_in_mid_answer(bench: Bench, end: str, error: str, after: int):
    """After exactly so many bytes; the service's side ends too."""
    seen, at, _ = put(bench, CutBody(name="cut", after_bytes=after, end=end), LONG)
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
    _, at, _ = put(bench, CutBody(name="cut", after_bytes=1000), LONG)
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(2):
            assert client.ask() == (200, b"x" * 1000)
    assert [(row["outcome"], row["injected"]) for row in rows] == [("ok", None)] * 2


def test_slow_body_trickles_and_then_comes_at_once(bench: Bench):
    """At its rate while the rule is on; the rest when it is taken off."""
    _seen, at, number = put(bench, SlowBody(name="slow", bytes_per_s=2000), LONG)
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
