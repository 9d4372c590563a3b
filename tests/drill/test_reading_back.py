"""The writes as a run folder keeps them, and the reading back over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import unquote_plus

import pytest

from harness.drill.writes import Found, ReadBackError, keep_found, read_back, read_found, read_ledger, sent_since
from tests.outpost.bench import running_outpost

LINE = (
    '{"key": "k-1", "endpoint": "POST /x", "intended_s": 1, "started_s": 1, "answered_s": 2, "outcome": "ok", '
    '"status": 201}'
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A service that is still starting when it is asked first; what it then answers is the rest of the path."""
    asked: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked[self.path] = asked.get(self.path, 0) + 1
            path, _, query = self.path.partition("?")
            kind, _, body = path.strip("/").partition("/")
            status = 503 if kind == "late" and asked[self.path] < 3 else 200
            content = bytes.fromhex(body)
            if kind == "pages":  # two keys a page
                keys = [key for key in json.loads(content) if key > unquote_plus(query.partition("=")[2])]
                content = json.dumps({"keys": dict.fromkeys(keys[:2], 1), "more": len(keys) > 2}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) + (9 if kind == "cut" else 0)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _path(kind: str, body: object) -> str:
    return f"/{kind}/{(body if isinstance(body, str) else json.dumps(body)).encode().hex()}"


def test_it_is_asked_until_it_answers(address):
    """A service that recovers is not read too soon."""
    assert read_back(address + _path("late", {"keys": {"a": 1, "b": 2}}), 5.0) == {"a": 1, "b": 2}


def test_all_pages_of_an_account_are_read(address):
    """A service that gives so many keys at a time says that there are more, and none is taken for lost."""
    keys = ["a", "b", "c & d", "e", "f"]
    assert read_back(address + _path("pages", keys), 5.0) == dict.fromkeys(keys, 1)


def test_what_only_containers_can_reach_is_asked_for_by_the_outpost(address, tmp_path):
    """It stands among them; what it cannot reach either is told with its reason."""
    with running_outpost(tmp_path) as bench:
        outpost = bench.client.address
        url = address + _path("pages", ["a", "b", "c"])
        assert read_back(url, 5.0, outpost=outpost) == dict.fromkeys(["a", "b", "c"], 1)
        with pytest.raises(ReadBackError, match="no whole answer"):
            read_back("http://127.0.0.1:9/writes", 0.2, outpost=outpost)
    with pytest.raises(ReadBackError, match="is it running"):
        read_back(url, 0.2, outpost=outpost)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (_path("whole", {"keys": ["a"]}), 'has no object "keys"'),
        (_path("whole", [1]), 'has no object "keys"'),
        (_path("whole", {"keys": {"a": True}}), "which is no count"),
        (_path("whole", {"keys": {"a": -1}}), "which is no count"),
        (_path("whole", '{"keys": {"\\ud800": 1}}'), "no request can bear"),
        (_path("whole", "no json"), "Expecting value"),
        (_path("whole", {"keys": {"a": 1}, "more": True}), "the same key on two pages"),
        (_path("whole", {"keys": {}, "more": True}), "gives none"),
        (_path("cut", {"keys": {}}), "cut short"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_its_reason(address, path, reason):
    """It says what came and what must come; nothing is taken for an empty account."""
    with pytest.raises(ReadBackError, match=reason) as error:
        read_back(address + path, 0.2)
    assert '{"keys": {KEY: COUNT, ...}}' in str(error.value)
    assert error.value.exit_code == 4


def test_nobody_there_is_an_error_in_time():
    """And called off at once."""
    with pytest.raises(ReadBackError, match="refused"):
        read_back("http://127.0.0.1:9/writes", 0.1)
    with pytest.raises(ReadBackError):
        read_back("http://127.0.0.1:9/writes", 600.0, cancelled=lambda: True)


def test_what_was_read_is_kept_with_the_run(tmp_path):
    """So that a report of another day says the same; what was not read says why."""
    path = tmp_path / "found.json"
    assert read_found(path) == Found(None, "the run ended before the writes were read back")
    for found in (Found({"a": 1}), Found({}), Found(None, "it answered 503")):
        keep_found(path, found)
        assert read_found(path) == found
    path.write_text('{"keys": {"a": "x"}}', encoding="utf-8")
    assert read_found(path).keys is None


@pytest.mark.parametrize(
    ("lines", "count", "whole"),
    [
        ([LINE, '{"ended": true, "requests": 1}'], 1, True),
        ([LINE, LINE[:40]], 1, False),
        ([LINE, '{"ended": true, "requests": 2}'], 1, False),
        ([LINE], 1, False),
        ([LINE.replace("ok", "fine"), LINE], 0, False),
        ([], 0, False),
    ],
)
def test_a_ledger_that_was_cut_short_is_known_to_be(tmp_path, lines, count, whole):
    """Whole lines are read, and the last one says whether they are all."""
    path = tmp_path / "writes.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    ledger = read_ledger(path)
    assert (len(ledger.requests), ledger.whole) == (count, whole)


def test_the_writes_since_the_recovery_are_counted_and_what_came_of_them(tmp_path):
    """By when they were sent; one that was never answered was sent too."""
    path = tmp_path / "writes.jsonl"
    late = LINE.replace('"started_s": 1', '"started_s": 9').replace('"answered_s": 2', '"answered_s": 9.5')
    path.write_text("\n".join([LINE, late, late.replace("9.5", "null").replace("ok", "unknown")]), encoding="utf-8")
    assert sent_since(read_ledger(path), 5.0) == (2, 1)
    assert sent_since(read_ledger(path), 9.1) == (0, 0)
