"""The outpost hears Alertmanager's messages, forgets what is too much, and is not hurt by what is none."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from harness.errors import OutpostError
from harness.outpost.client import OutpostClient
from harness.outpost.memory import Memory
from harness.outpost.server import CONNECTIONS_MAX, DEADLINE_S
from harness.stack.ports import free_ports
from tests.outpost.bench import ROOT, Bench, alert, everything, message, running_outpost

EMPTY = (b"GET /heard HTTP/1.1\r\n\r\n", 200)


def test_each_alert_of_a_message_is_a_notice(bench: Bench) -> None:
    """On any path, with the time at which it came, in the order in which they came."""
    first, before_ns = bench.client.heard().next, time.monotonic_ns()
    assert bench.post(message(alert("A"), alert("B", "resolved")), "/any/path?x=1") == (200, {})
    assert bench.post(message(alert("C", labels={"alertname": "C", "umlaut": "\ud800ü"}))) == (200, {})
    heard = bench.client.heard(first)
    assert [one["labels"]["alertname"] for one in heard.notices] == ["A", "B", "C"]
    assert [one["status"] for one in heard.notices] == ["firing", "resolved", "firing"]
    assert set(heard.notices[0]) == {"at_ns", *alert()} - {"generatorURL"}
    assert all(before_ns <= one["at_ns"] <= heard.now_ns <= time.monotonic_ns() for one in heard.notices)
    assert heard.next == first + 3
    assert bench.client.heard(heard.next).notices == ()
    assert before_ns <= bench.client.now_ns() <= time.monotonic_ns()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\xff\x00 no json", "no JSON"),
        (b"[" * 200_000, "no JSON (RecursionError)"),
        ([], 'no Alertmanager message of version "4"; given []'),
        ({"version": "3", "alerts": []}, "given '3'"),
        ({"version": "4"}, "alerts must be a list; given None"),
        (message("Down"), "an alert must be an object; given 'Down'"),  # type: ignore[arg-type]
        (message(alert(status="burning")), "an alert's status is firing or resolved; given 'burning'"),
        (message(alert(labels={"alertname": 7})), "an alert's labels are texts by name"),
        (message(alert(), alert(annotations=["x"])), "an alert's annotations are texts by name"),
        (message(alert(startsAt=12)), "an alert's startsAt is a text; given 12"),
    ],
)
def test_what_is_no_message_is_refused_and_counted(bench: Bench, body: object, says: str) -> None:
    """The answer says what is wrong, and the outpost remembers it; nothing of it is kept as a notice."""
    before = bench.client.heard()
    status, answer = bench.post(body)
    after = bench.client.heard()
    assert status == 400
    assert says in answer["error"]
    assert (after.next, after.malformed) == (before.next, before.malformed + 1)
    assert after.malformed_last == answer["error"][:200]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"DELETE /heard HTTP/1.1\r\n\r\n", 405),
        (b"GET /heard?since=-1 HTTP/1.1\r\n\r\n", 400),
        (b"GET /heard?since=\xb2 HTTP/1.1\r\n\r\n", 400),
        (b"GET //[ HTTP/1.1\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01 a TLS hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000, 413),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
        EMPTY,
    ],
)
def test_bad_requests_are_answered_and_hurt_nobody(bench: Bench, sent: bytes, status: int) -> None:
    """With a sentence, and the next one is served."""
    got = bench.raw(sent)
    assert got.startswith(f"HTTP/1.1 {status} ".encode()), got[:100]
    body = json.loads(got.partition(b"\r\n\r\n")[2])
    assert ("error" in body) == (status != 200)
    assert bench.raw(EMPTY[0]).startswith(b"HTTP/1.1 200 ")


def test_a_message_in_chunks_is_heard(bench: Bench) -> None:
    """As a proxy on the way may send it."""
    first, body = bench.client.heard().next, json.dumps(message(alert("Chunked"))).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[at : at + 50]), body[at : at + 50]) for at in range(0, len(body), 50))
    assert b" 200 " in bench.raw(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert bench.client.heard(first).notices[0]["labels"]["alertname"] == "Chunked"


def test_a_message_that_breaks_off_is_counted(bench: Bench) -> None:
    """An alert may have been lost with it."""
    before = bench.client.heard().malformed
    with bench.dial() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{}")
        connection.shutdown(1)
        assert everything(connection) == b""
    heard = bench.client.heard()
    assert (heard.malformed, heard.malformed_last) == (before + 1, "a message that ended after 2 bytes")


def test_idle_connections_keep_no_alert_away(bench: Bench) -> None:
    """The oldest of too many is ended, and who comes is heard at once."""
    first = bench.client.heard().next
    idle = [bench.dial() for _ in range(CONNECTIONS_MAX + 50)]
    try:
        began_s = time.monotonic()
        assert bench.post(message(alert("Heard all the same"))) == (200, {})
        assert bench.client.heard(first).next == first + 1
        assert everything(idle[0]) == b""
        assert time.monotonic() - began_s < DEADLINE_S - 1
    finally:
        for connection in idle:
            connection.close()


def test_who_trickles_is_ended(bench: Bench) -> None:
    """However slowly he goes on."""
    began_s = time.monotonic()
    with bench.dial() as connection:
        connection.settimeout(0.1)
        try:
            while time.monotonic() - began_s < 3 * DEADLINE_S:
                connection.sendall(b"x")
                try:
                    if connection.recv(1) == b"":
                        break
                except TimeoutError:
                    continue
        except OSError:
            pass
    assert DEADLINE_S - 1 < time.monotonic() - began_s < 2 * DEADLINE_S


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By number and by size; whoever asks for what was forgotten is told where to go on."""
    monkeypatch.setattr("harness.outpost.memory.NOTICES_MAX", 3)
    memory = Memory()
    for number in range(5):
        memory.keep({"status": str(number)}, number)
    page = json.loads(memory.since(0, 7))
    assert ([one["status"] for one in page["notices"]], page["next"], page["now_ns"]) == (["2", "3", "4"], 5, 7)
    assert json.loads(memory.since(99, 7))["next"] == 5
    monkeypatch.setattr("harness.outpost.memory.BYTES_MAX", 100)
    memory.keep({"status": "x" * 90}, 5)
    assert [one["at_ns"] for one in json.loads(memory.since(0, 7))["notices"]] == [5]


def test_a_long_answer_comes_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each goes on where the last ended, and nothing is left out."""
    monkeypatch.setattr("harness.outpost.memory.PAGE_BYTES", 100)
    memory = Memory()
    for number in range(20):
        memory.keep({"status": "x" * (number * 10)}, number)
    at, found, pages = 0, [], 0
    while (page := json.loads(memory.since(at, 0)))["notices"]:
        found += [one["at_ns"] for one in page["notices"]]
        at, pages = page["next"], pages + 1
    assert found == list(range(20))
    assert pages > 5


def test_it_ends_at_once_when_it_is_asked_to(tmp_path) -> None:
    """With a connection open, too."""
    with running_outpost(tmp_path) as bench, bench.dial():
        began_s = time.monotonic()
        bench.process.terminate()
        assert bench.process.wait(5) == 0
        assert time.monotonic() - began_s < 1


@pytest.mark.parametrize(
    ("listen", "says"),
    [("8080", "needs HOST:PORT"), ("127.0.0.1:http", "given '127.0.0.1:http'"), ("", "cannot listen")],
)
def test_where_it_cannot_listen_it_says_so(bench: Bench, listen: str, says: str) -> None:
    """In one line, without a traceback."""
    command = [sys.executable, "-P", "-m", "harness.outpost", "--listen", listen or bench.client.address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_an_outpost_that_is_not_there_is_an_error_with_a_remedy() -> None:
    """Within the deadline."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(OutpostError, match=f"the outpost at {address} did not answer heard .* is it running"):
        OutpostClient(address).heard()


def test_what_answers_and_is_no_outpost_is_told(asked: str) -> None:
    """With what it lacks."""
    client = OutpostClient(asked.removeprefix("http://"))
    with pytest.raises(OutpostError, match="is no outpost: it lacks 'now_ns'; is the address right"):
        client.heard()
    with pytest.raises(OutpostError, match="is no outpost"):
        client.fetch("http://x/")
