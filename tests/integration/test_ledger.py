"""The ledger of writes with Locust's own clients against a real server: what is in it, whatever became of a request."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from harness.analysis.writes import Ledger
from harness.drill.writes import read_ledger
from harness.generator import Generator
from harness.waiting import wait_until
from tests.integration.driven import Driven

WRITERS = """
import itertools
PATHS = {paths}
number_of = itertools.count()

class Writer:
    def key(self, path): return {{"idempotency-KEY": f"{{type(self).__name__}} {{path}} {{next(number_of)}}"}}
    def post(self, path):
        if path == "/no-key":
            self.client.post(path)
        elif path in ("/judged", "/raises"):
            with self.client.post("/status/200", headers=self.key(path), name=path, catch_response=True) as answer:
                if path == "/raises":
                    raise KeyError("a mistake of the locustfile")
                answer.failure("not what I wanted")
        else:
            self.client.post(path, headers=self.key(path))
    def write(self):
        for path in PATHS:
            self.post(path)

class Fast(Writer, FastHttpUser):
    @task
    def t(self): self.write()
class Slow(Writer, HttpUser):
    @task
    def t(self): self.write()
"""
ENDS = {
    "/status/201": ("ok", 201, True),
    "/status/404": ("fail", 404, True),
    "/status/503": ("unknown", 503, True),
    "/judged": ("unknown", 200, True),
    "/ms/60000": ("unknown", 0, False),
}


def _driven(folder: Path, host: str, paths: list[str], **order: object) -> Ledger:
    path = folder / "writes.jsonl"
    Driven(folder, host, WRITERS.format(paths=paths), writes=str(path), **order).run()
    return read_ledger(path)


def test_each_write_is_there_with_what_became_of_it(tmp_path: Path, host: str) -> None:
    """For both clients: answered, refused, an error after it, judged by the locustfile, in flight when the run ended;
    a request without a key is not there."""
    paths = [*list(ENDS)[:-1], "/no-key", "/ms/60000"]
    ledger = _driven(tmp_path, host, paths, rates=[[0.0, 6.0]], end_s=1.0, warmup_s=0.0, drain_s=0.3)
    assert ledger.whole
    assert len({one.key for one in ledger.requests}) == len(ledger.requests) == 6 * len(ENDS)
    for kind in ("Fast", "Slow"):
        ends = {}
        for one in ledger.requests:
            if one.key.startswith(kind):
                ends[one.key.split()[1]] = (one.outcome, one.status, one.answered_s is not None)
                assert one.intended_s <= one.started_s <= (one.answered_s or one.started_s)
        assert ends == ENDS
    assert {one.endpoint for one in ledger.requests} == {f"POST {path}" for path in ENDS}


def test_an_answer_that_is_not_whole_is_no_acknowledgement(tmp_path: Path, host: str) -> None:
    """A status of 200 is not enough where the body was cut; it is where a locustfile's own mistake came after it."""
    ledger = _driven(tmp_path, host, ["/cut"], rates=[[0.0, 6.0]], end_s=1.0, warmup_s=0.0)
    assert {(one.key.split()[0], one.outcome) for one in ledger.requests} == {("Fast", "unknown"), ("Slow", "unknown")}
    ledger = _driven(tmp_path, host, ["/raises"], rates=[[0.0, 6.0]], end_s=1.0, warmup_s=0.0)
    assert {(one.outcome, one.status) for one in ledger.requests} == {("ok", 200)}


def test_nobody_there_is_a_refusal_without_a_status(tmp_path: Path) -> None:
    """Each write that was never sent is in the ledger all the same."""
    ledger = _driven(tmp_path, "http://127.0.0.1:9", ["/status/201"], rates=[[0.0, 6.0]], end_s=1.0, warmup_s=0.0)
    assert [(one.outcome, one.status, one.answered_s) for one in ledger.requests] == [("fail", 0, None)] * 6


def test_a_load_process_that_is_killed_leaves_what_was_acknowledged(tmp_path: Path, host: str) -> None:
    """All but the last moment is on disk, and the ledger is known to end early."""
    path = tmp_path / "writes.jsonl"
    driven = Driven(tmp_path, host, WRITERS.format(paths=["/status/201"]), writes=str(path), end_s=60.0, warmup_s=0.0)
    generator = Generator(driven.log, driven.beats.append)
    try:
        generator.order(driven.order)
        generator.wait_ready(lambda: False)
        zero_ns = time.monotonic_ns() + 100_000_000
        generator.go(zero_ns)
        assert wait_until(lambda: len(read_ledger(path).requests) > 40, 10.0)
        os.kill(generator.id.pid, signal.SIGKILL)
        killed_s = (time.monotonic_ns() - zero_ns) / 1e9
        assert wait_until(lambda: generator.died() is not None, 5.0)
    finally:
        generator.stop()
    ledger = read_ledger(path)
    assert not ledger.whole
    assert max(one.answered_s or 0.0 for one in ledger.requests) > killed_s - 1.0


def test_no_ledger_where_none_was_asked_for(tmp_path: Path, host: str) -> None:
    """An ordinary load leaves Locust's clients as they are."""
    code = WRITERS.format(paths=["/status/201"]) + (
        "\n@events.test_stop.add_listener\ndef over(**_):\n    from locust.contrib.fasthttp import FastHttpSession\n"
        "    print('request is', FastHttpSession.request.__module__)\n"
    )
    driven = Driven(tmp_path, host, code, end_s=0.5, warmup_s=0.0)
    driven.run()
    assert "request is locust.contrib.fasthttp" in driven.log.read_text(encoding="utf-8")
