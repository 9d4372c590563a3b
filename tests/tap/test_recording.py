"""What is recorded, when, and what is never: each attempt once, and no secret."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import TapError
from harness.history import batches
from harness.schema import ATTEMPTS
from harness.tap.recorder import NAMES_MAX
from harness.tap.rules import Hang, Status
from harness.tap.templates import OTHERS
from tests.tap.bench import ROOT, Bench, Dialled, read, running_tap, until
from tests.tap.servers import GET, OK, Seen, answers_ok

CANARY = "canary" + "Q" * 8


def _post(body: bytes, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"POST /orders HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_no_secret_is_stored(bench: Bench, tmp_path: Path):
    """Not from the query, the headers, a path's id, either body or what a rule says: not a byte of it in the stream."""
    secret = CANARY.encode()
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=%b\r\nX-Token: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        secret,
        secret,
        len(secret),
        secret,
    )
    seen = Seen(answer)
    name, at = bench.link(seen)
    requests = [
        f"GET /login/{CANARY}9?password={CANARY} HTTP/1.1\r\nAuthorization: Bearer {CANARY}\r\nCookie: a={CANARY}\r\n"
        f"Proxy-Authorization: Basic {CANARY}\r\nX-Api-Key: {CANARY}\r\nReferer: http://x/{CANARY}\r\n\r\n".encode(),
        f"GET http://ann:{CANARY}@shop/ HTTP/1.1\r\n\r\n".encode(),
        f"GET /cart;{CANARY} HTTP/1.1\r\n\r\n".encode(),
        _post(secret, Cookie=CANARY),
        f"CONNECT {CANARY}:443 HTTP/1.1\r\n\r\n".encode(),
    ]
    recording = bench.tap.record(0, tmp_path / "taps.arrow")
    for number, request in enumerate(requests):
        with Dialled(at) as client:
            if number == 3:
                bench.tap.put(name, Status(name="down", body=CANARY))
            client.ask(request)
    recording.stop()
    assert len(read(tmp_path / "taps.arrow")) == len(requests)
    for path in (tmp_path / "taps.arrow", bench.folder / "tap.log"):
        assert secret not in path.read_bytes()
    assert secret in seen.requests[0]


def test_the_stream_has_the_schema_of_the_run_folder(bench: Bench, tmp_path: Path):
    """And history.py reads it, also while it is being written."""
    _name, at = bench.link(answers_ok)
    path = tmp_path / "taps.arrow"
    recording = bench.tap.record(0, path)
    with Dialled(at) as client:
        for count in (1, 2, 3):
            client.ask()
            until(lambda count=count: sum(batch.num_rows for batch in batches(path, ATTEMPTS)) == count, 2)
    recording.stop()
    (first, *_) = batches(path, ATTEMPTS)
    assert first.schema == ATTEMPTS


def test_what_an_attempt_says_of_itself(bench: Bench):
    """Its key, its trace, what the service said of trying again; times on the run's clock."""
    answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 12\r\nContent-Length: 4\r\n\r\nbusy"
    _name, at = bench.link(Seen(answer))
    zero_ns = time.monotonic_ns()
    path = bench.folder / "own.arrow"
    recording = bench.tap.record(zero_ns, path)
    with Dialled(at) as client:
        client.ask(_post(b"a", Idempotency_Key="k" * 300, X_Request_ID="r-1", traceparent="00-abc-def-01"))
        client.ask(_post(b"a", X_Request_ID="r-2"))
        client.ask(_post(b"b"))
        client.ask()
    recording.stop()
    rows = read(path)
    assert [row["key"] for row in rows] == ["k" * 255, None, None, None]
    assert [row["trace"] for row in rows] == ["00-abc-def-01", "r-2", None, None]
    assert {(row["status"], row["outcome"], row["retry_after_s"], row["answer_bytes"]) for row in rows} == {
        (503, "fail", 12.0, 4)
    }
    assert [row["request_hash"] == rows[0]["request_hash"] for row in rows] == [True, True, False, False]
    assert len({row["answer_hash"] for row in rows}) == 1
    assert all(0 < row["started_ns"] < row["ended_ns"] < time.monotonic_ns() - zero_ns for row in rows)


def test_a_request_is_told_from_another_by_its_target_and_its_body(bench: Bench):
    """Ids and queries are of the target; another method, and what else the head says, are not."""
    _name, at = bench.link(Seen())
    targets = ("/items/1", "/items/2", "/items/1", "/items/1?page=2")
    with bench.recording() as rows, Dialled(at) as client:
        for target in targets:
            client.ask(f"GET {target} HTTP/1.1\r\nX-Span: {len(rows)}\r\n\r\n".encode())
        client.ask(_post(b"a"))
        client.ask(_post(b"a").replace(b"/orders", b"/refunds"))
    hashes = [row["request_hash"] for row in rows]
    assert None not in hashes
    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 5
    assert {row["path"] for row in rows[:4]} == {"/items/{}"}


def test_nothing_is_kept_when_nobody_records(bench: Bench):
    """What ended before is not in a recording; what ends in it is, whenever it began."""
    name, at = bench.link(answers_ok)
    with Dialled(at) as client:
        client.ask()
        client.send(GET[:-1])
        until(lambda: bench.tap.links()[name].http == 1)
        with bench.recording() as rows:
            client.send(GET[-1:])
            client.answer()
        client.ask()
    assert len(rows) == 1


def test_attempts_under_way_when_recording_stops_are_unknown(bench: Bench):
    """With no error, since nothing went wrong yet; and they are recorded once."""
    name, at = bench.link(answers_ok)
    number = bench.tap.put(name, Hang(name="hung"))
    with Dialled(at) as client:
        with bench.recording() as first:
            client.send(_post(b"body"))
            assert client.silent(0.2)
        with bench.recording() as second:
            bench.tap.take_off(number)
            client.answer()
    assert [(row["outcome"], row["error"], row["status"], row["injected"]) for row in first] == [
        ("unknown", None, None, "hung")
    ]
    assert second == []


def test_one_recording_at_a_time(bench: Bench, tmp_path: Path):
    """The second is refused in words; when the first is over, the next begins."""
    first = bench.tap.record(0, tmp_path / "one.arrow")
    with pytest.raises(TapError, match="somebody records already"):
        bench.tap.record(0, tmp_path / "two.arrow")
    first.stop()
    bench.tap.record(0, tmp_path / "three.arrow").stop()
    assert read(tmp_path / "three.arrow") == []


def test_a_recorder_that_is_killed_leaves_the_tap_as_it_is(bench: Bench, tmp_path: Path):
    """kill -9: requests pass on, another may record, and what was written is readable."""
    _name, at = bench.link(answers_ok)
    path = tmp_path / "killed.arrow"
    code = (
        "import sys, time; from pathlib import Path; from harness.tap.client import TapClient\n"
        "recording = TapClient(sys.argv[1]).record(0, Path(sys.argv[2])); print('on', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, bench.tap.address, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process, Dialled(at) as client:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"on\n"
            client.ask()
            until(lambda: sum(batch.num_rows for batch in batches(path, ATTEMPTS)) == 1)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
        assert client.ask() == (200, b"ok")

        def records_again() -> bool:
            try:
                bench.tap.record(0, tmp_path / "again.arrow").stop()
            except TapError:
                return False
            return True

        until(records_again)
        with bench.recording() as rows:
            assert client.ask() == (200, b"ok")
    assert len(rows) == 1


def test_names_are_bounded(bench: Bench):
    """Thousands of paths are `(other paths)`, of methods none: a stranger's client cannot fill the memory."""
    _name, at = bench.link(answers_ok)
    letters = "ghijklmnopqrstuvwxyz"
    words = [f"{a}{b}{c}" for a in letters for b in letters for c in letters][: NAMES_MAX + 500]
    with bench.recording() as rows, Dialled(at) as client:
        for begin in range(0, len(words), 50):
            part = words[begin : begin + 50]
            client.send(b"".join(f"GET /{word}/x HTTP/1.1\r\n\r\n".encode() for word in part))
            client.exactly(len(OK) * len(part))
    paths = {row["path"] for row in rows}
    assert len(paths) == 1001
    assert OTHERS in paths
    assert len(rows) == len(words)


def test_all_links_are_in_one_recording(bench: Bench):
    """Each attempt with its link's name; connections are numbered across them."""
    one, at_one = bench.link(answers_ok)
    two, at_two = bench.link(answers_ok)
    with bench.recording() as rows, Dialled(at_one) as first, Dialled(at_two) as second:
        first.ask()
        second.ask()
    assert [row["link"] for row in rows] == [one, two]
    assert rows[0]["connection"] != rows[1]["connection"]


def test_a_busy_tap_records_every_attempt(bench: Bench):
    """More than a batch holds, from several connections at once."""
    _name, at = bench.link(answers_ok)
    wanted = 6000

    async def client(count: int) -> None:
        host, _, port = at.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(count // 50):
            writer.write(GET * 50)
            await reader.readexactly(len(OK) * 50)
        writer.close()

    async def clients() -> None:
        await asyncio.gather(*(client(wanted // 6) for _ in range(6)))

    with bench.recording() as rows:
        bench.servers.run(clients())
    assert len(rows) == wanted
    assert {row["outcome"] for row in rows} == {"ok"}


def test_a_tap_that_is_asked_to_end_ends_its_stream(tmp_path: Path):
    """SIGTERM: what was under way is in it, as unknown; the process ends by itself."""
    path = tmp_path / "taps.arrow"
    with running_tap(tmp_path) as bench:
        name, at = bench.link(answers_ok)
        bench.tap.put(name, Hang(name="hung"))
        recording = bench.tap.record(0, path)
        with Dialled(at) as client:
            client.send(GET)
            assert client.silent(0.2)
            bench.process.terminate()
            assert bench.process.wait(10) == 0
            assert client.how_it_ends() in ("FIN", "RST")
        until(lambda: recording.ended)
        with pytest.raises(TapError, match="ended while it recorded"):
            recording.stop()
    assert [(row["outcome"], row["error"]) for row in read(path)] == [("unknown", None)]
