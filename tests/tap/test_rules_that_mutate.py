"""A rule that mutates answers: what the client gets, what is journalled, and when the answer passes as it came."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib

import httpx
import pytest

from harness.tap.attempt import Attempt
from harness.tap.client import MutatedAnswer
from harness.tap.mutating import BODY_MAX, ENTRIES_MAX, NAMES_KEPT_MAX, Earlier, Journal
from harness.tap.rules import CutBody, Mutate, SlowBody, WrongContentType
from tests.baddata.bodies import ROWS, as_csv, as_json, rows_of
from tests.tap.bench import Bench, Dialled, put, until
from tests.tap.servers import GET, after_head, says

UNIT = Mutate(name="units", mutation="unit-x100", field="cents", rows=2, seed=1)
BODY = as_json()


def _answer(body: bytes, *lines: str, status: str = "200 OK", chunk: int = 0) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines))
    if not chunk:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    parts = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    chunks = b"".join(b"%x;a=b\r\n%b\r\n" % (len(part), part) for part in parts)
    return f"{head}Transfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n".encode() + chunks + b"0\r\nSum: 1\r\n\r\n"


def _new(bench: Bench, since: list[MutatedAnswer]) -> list[MutatedAnswer]:
    return bench.tap.mutations(since[-1].number if since else 0)


def _touched(body: bytes) -> tuple[str, ...]:
    return tuple(now["id"] for now, was in zip(rows_of(body), ROWS, strict=True) if now["cents"] == 100 * was["cents"])


def test_an_answer_is_mutated_and_journalled(bench: Bench):
    """The client gets what the journal says, with a length that is right; the connection goes on; then it is healed."""
    before, since_ns = bench.tap.mutations(), time.monotonic_ns()
    _, at, number = put(bench, UNIT, _answer(BODY, "Content-Type: application/json", "Content-MD5: x"))
    with bench.recording() as rows, Dialled(at) as client:
        got = [client.ask(b"GET /batches/7 HTTP/1.1\r\nIdempotency-Key: k\r\n\r\n")[1] for _ in range(2)]
        bench.tap.take_off(number)
        assert client.ask() == (200, BODY)
    first, second = _new(bench, before)
    assert got[0] == got[1] != BODY
    assert _touched(got[0]) == first.rows == second.rows
    assert (first.fields, first.window, first.mutator) == (("cents",), "units", "unit-x100")
    assert (first.path, first.key, first.note) == ("/batches/{}", "k", "")
    assert since_ns < first.at_ns < second.at_ns < time.monotonic_ns()
    assert [(row["injected"], row["outcome"], row["answer_bytes"]) for row in rows] == [
        ("units", "ok", len(got[0])),
        ("units", "ok", len(got[0])),
        (None, "ok", len(BODY)),
    ]
    assert rows[0]["answer_hash"] == rows[1]["answer_hash"] != rows[2]["answer_hash"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "identity", "none"])
@pytest.mark.parametrize("chunk", [0, 7, 10_000])
@pytest.mark.parametrize("body", [BODY, as_csv()], ids=["json", "csv"])
def test_whatever_it_is_packed_in(bench: Bench, encoding: str, chunk: int, body: bytes):
    """Chunks and compression are undone, and the compression done again: an ordinary client reads it."""
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "raw deflate": raw.compress(body) + raw.flush(),
    }.get(encoding, body)
    lines = [] if encoding == "none" else [f"Content-Encoding: {encoding.removeprefix('raw ')}"]
    before = bench.tap.mutations()
    name, at = bench.link(says(_answer(packed, *lines, chunk=chunk)))
    bench.tap.put(name, UNIT)
    with httpx.Client(base_url=f"http://{at}", trust_env=False, timeout=5) as client:
        for _ in range(2):
            answer = client.get("/x")
            assert len(rows_of(answer.content)) == 6
            assert answer.content != body
            assert ("content-encoding" in answer.headers) is bool(lines)
            assert not {"transfer-encoding", "trailer"} & set(answer.headers)
    assert len({one.rows for one in _new(bench, before)}) == 1


def test_an_answer_that_ends_with_the_connection(bench: Bench):
    """Is whole by that, and mutated; one that ends too soon is passed as far as it came."""
    name, at = bench.link(after_head(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, "FIN"))
    bench.tap.put(name, UNIT)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        head, _, body = client.rest().partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert len(_touched(body)) == 2
    assert [(row["outcome"], row["answer_bytes"], row["injected"]) for row in rows] == [("ok", len(body), "units")]
    for end in ("FIN", "RST"):
        part = _answer(BODY)[:-10]
        name, at = bench.link(after_head(part, end))
        bench.tap.put(name, UNIT)
        with bench.recording() as rows, Dialled(at) as client:
            client.send(GET)
            assert client.exactly(len(part)) == part
            assert client.how_it_ends() == end
        assert [(row["outcome"], row["injected"]) for row in rows] == [("unknown", None)]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_answer(b"hello"), "it is neither JSON nor CSV"),
        (_answer(b"hello", chunk=2), "it is neither JSON nor CSV"),
        (_answer(BODY, "Content-Encoding: br"), "its Content-Encoding is 'br'"),
        (_answer(BODY, "Content-Encoding: gzip"), "its body is not whole gzip"),
        (_answer(gzip.compress(b" " * (BODY_MAX + 1)), "Content-Encoding: gzip"), "its body is longer than 8 MB"),
        (_answer(b" " * (BODY_MAX + 1)), "its body is longer than 8 MB"),
        (_answer(b" " * (BODY_MAX + 1), chunk=1 << 20), "its body is longer than 8 MB"),
    ],
    ids=["no rows", "no rows in chunks", "br", "no gzip", "a bomb", "long", "long in chunks"],
)
def test_what_cannot_be_mutated_passes_as_it_came(bench: Bench, answer: bytes, why: str):
    """Byte for byte, and the journal says why; no attempt is said to be touched."""
    before = bench.tap.mutations()
    name, at = bench.link(says(answer))
    bench.tap.put(name, UNIT)
    with bench.recording() as rows, Dialled(at) as client:
        for _ in range(2):
            client.send(GET)
            assert client.exactly(len(answer)) == answer
    assert [(one.rows, one.note.startswith(why)) for one in _new(bench, before)] == [((), True)] * 2
    assert [(row["injected"], row["outcome"]) for row in rows] == [(None, "ok")] * 2


@pytest.mark.parametrize(
    ("answer", "method"),
    [
        (_answer(BODY, status="404 Not Found"), "GET"),
        (_answer(BODY, status="206 Partial Content"), "GET"),
        (_answer(BODY)[: -len(BODY)], "HEAD"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET"),
        (_answer(b""), "GET"),
    ],
    ids=["404", "206", "HEAD", "204", "empty"],
)
def test_answers_without_rows_of_their_own_are_let_be(bench: Bench, answer: bytes, method: str):
    """Errors, parts, and what has no body: nothing is held or told."""
    before = bench.tap.mutations()
    name, at = bench.link(says(answer))
    bench.tap.put(name, UNIT)
    with Dialled(at) as client:
        for _ in range(2):
            client.send(GET.replace(b"GET", method.encode()))
            assert client.exactly(len(answer)) == answer
    assert _new(bench, before) == []


def test_an_answer_that_is_held_when_the_rule_is_taken_off_passes_on(bench: Bench):
    """What came of it at once, the rest as it comes; and pipelined ones behind it in their turn."""
    answer = _answer(BODY)
    rest = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer[:-10])
        await rest.wait()
        writer.write(answer[-10:] + answer)
        await writer.drain()
        await reader.read()

    name, at = bench.link(handler)
    number = bench.tap.put(name, UNIT)
    with Dialled(at) as client:
        client.send(GET + GET)
        assert client.silent()
        bench.tap.take_off(number)
        assert client.exactly(len(answer) - 10) == answer[:-10]
        bench.servers.loop.call_soon_threadsafe(rest.set)
        assert client.exactly(10 + len(answer)) == answer[-10:] + answer


def test_a_client_that_leaves_while_its_answer_is_held(bench: Bench):
    """Ends the service's side too, and the tap goes on."""
    name, at = bench.link(after_head(_answer(BODY)[:-10], "wait"))
    number = bench.tap.put(name, UNIT)
    with Dialled(at) as client:
        client.send(GET)
        assert client.silent()
        client.reset()
    until(lambda: bench.tap.links()[name].connections == 0)
    bench.tap.take_off(number)


def test_rules_on_an_answer_come_together(bench: Bench):
    """Two mutations, another type, a body that trickles, and one that is cut: each on what the one before made."""
    name, at = bench.link(after_head(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, "FIN"))
    for rule in (
        UNIT,
        Mutate(name="money", mutation="wrong-currency", ratio=1),
        WrongContentType(name="type", content_type="text/csv"),
        SlowBody(name="slow", bytes_per_s=4000),
    ):
        bench.tap.put(name, rule)
    with bench.recording() as rows, Dialled(at) as client:
        client.send(GET)
        head, _, body = client.rest().partition(b"\r\n\r\n")
    assert len(_touched(body)) == 2
    assert {row["currency"] for row in rows_of(body)} == {"USD"}
    assert b"Content-Type: text/csv" in head
    assert [(row["outcome"], row["injected"], row["answer_bytes"]) for row in rows] == [("ok", "units", len(body))]
    bench.tap.put(name, CutBody(name="cut", after_bytes=50, end="FIN"))
    with Dialled(at) as client:
        client.send(GET)
        assert client.rest().partition(b"\r\n\r\n")[2] == body[:50]


def test_an_earlier_body_comes_again(bench: Bench):
    """The first passes, and is what the second is answered with; who asks for the second again gets the same."""
    bodies = [as_json([{**row, "id": f"{day}-{row['id']}"} for row in ROWS]) for day in (1, 2)]

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer(bodies[int(head.split()[1].rpartition(b"/")[2]) - 1]))

    before = bench.tap.mutations()
    name, at = bench.link(handler)
    bench.tap.put(name, Mutate(name="again", mutation="replay"))
    with Dialled(at) as client:
        got = [client.ask(b"GET /batches/%d HTTP/1.1\r\n\r\n" % day)[1] for day in (1, 2, 2)]
    assert got == [bodies[0]] * 3
    told = _new(bench, before)
    assert told[0].note == "there was no other body before it"
    assert [one.rows for one in told[1:]] == [tuple(f"1-{row['id']}" for row in ROWS)] * 2


def test_the_journal_is_bounded():
    """By entries, and by the names of rows in them; numbers go on, so that a reader sees that some are forgotten."""
    journal, attempt = Journal(), Attempt("link", 1, 0)
    for _ in range(ENTRIES_MAX + 5):
        journal.add(attempt, UNIT, ["a"], ["cents"], "")
    assert [one["number"] for one in journal.since(0)] == list(range(6, ENTRIES_MAX + 6))
    many = ["a"] * (NAMES_KEPT_MAX - 1)
    for _ in range(2):
        journal.add(attempt, UNIT, many, ["cents"], "")
    assert [one["number"] for one in journal.since(0)] == [ENTRIES_MAX + 7]
    assert journal.since(ENTRIES_MAX + 7) == []


def test_the_body_before_is_the_last_that_differs():
    """However often each is asked for."""
    earlier = Earlier()
    assert [earlier.before(body) for body in (b"1", b"1", b"2", b"2", b"3")] == [None, None, b"1", b"1", b"2"]


def test_a_path_is_kept_as_it_was_sent_only_where_no_row_tells_the_file_apart():
    """Ids and tokens in paths are nobody else's business."""
    attempt, journal = Attempt("etl-feed", 1, 0), Journal()
    attempt.path, attempt.target = "/files/{}", "/files/7"
    journal.add(attempt, UNIT, ("a",), ("cents",), "")
    journal.add(attempt, UNIT, (), (), "it is empty")
    journal.add(attempt, UNIT, (), ("cents",), "")
    assert [one["path"] for one in journal.since(0)] == ["/files/{}", "/files/{}", "/files/7"]
