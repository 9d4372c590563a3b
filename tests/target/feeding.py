"""The etl as it runs, and a feed that does to each batch what a test tells it to."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from harness.stack.child import Child
from target.feed.invoices import as_json, header, invoices
from tests.target.running import LOOPBACK, READY_WITHIN_S, Database, running_service

NEVER = "86400"
FIRST = date(2026, 1, 1)
Change = Callable[[dict[str, Any]], object]


class Feed:
    """Batches of the days from 1 January on, as many as `days` says; `answers` may say something else to all."""

    def __init__(self) -> None:
        self.days = 0
        self.asked: list[tuple[float, str, str]] = []
        self.sound()
        feed = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                feed.asked.append((time.monotonic(), self.path, self.headers["traceparent"]))
                status, body, headers = feed.status, feed._body(self.path), feed.headers
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Answering)
        self._server.daemon_threads = True
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def sound(self) -> None:
        """From now on it tells the truth."""
        self.status, self.headers = 200, {}
        self.change: Change = lambda body: None
        self.spoil: Callable[[bytes], bytes] = lambda content: content

    def next_day(self) -> str:
        """One more batch: its id."""
        self.days += 1
        return f"batch-{FIRST + timedelta(days=self.days - 1)}"

    def _body(self, path: str) -> bytes:
        parts = urlsplit(path)
        if parts.path in ("/batches", "/rows"):
            since = date.fromisoformat(parse_qs(parts.query)["since"][0])
            days = [day for n in range(self.days) if (day := FIRST + timedelta(days=n)) > since]
            if parts.path == "/rows":  # always the truth
                rows = {f"batch-{day}": invoices(day, 0, Fraction(1)) for day in days}
                offered = [{"batch_id": name, "rows": list(map(asdict, of))} for name, of in rows.items()]
                return json.dumps({"batches": offered}).encode()
            listed = [header(day, invoices(day, 0, Fraction(1))) for day in days]
            return json.dumps({"today": str(FIRST + timedelta(days=self.days)), "batches": listed}).encode()
        day = date.fromisoformat(parts.path.removeprefix("/batches/batch-"))
        body = json.loads(as_json(day, invoices(day, 0, Fraction(1))))
        self.change(body)
        return self.spoil(json.dumps(body).encode())

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(READY_WITHIN_S)
        self._server.server_close()


class Etl:
    """The etl's face."""

    def __init__(self, url: str, process: Child) -> None:
        self.process = process
        self.client = httpx.Client(
            base_url=url, timeout=30, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def pull(self, batch: str | None = None) -> dict[str, Any]:
        return dict(self.client.post("/pull", params={"batch": batch} if batch else {}).json())

    def get(self, path: str) -> Any:
        return self.client.get(path).json()

    def imported(self) -> dict[str, Any]:
        """The newest import."""
        newest = self.get("/imports?limit=1")[0]
        assert self.get(f"/imports/{newest['import_id']}") == newest
        return dict(newest)

    def log(self) -> str:
        return self.process.log.read_text(encoding="utf-8")


def emptied(database: Database) -> Database:
    """Without anything that an etl has pulled before."""
    asyncio.run(database.execute("DROP TABLE IF EXISTS quarantine, invoices, batches, imports"))
    return database


@contextmanager
def running_etl(database: Database, feed_url: str, log: Path, **variables: str) -> Iterator[Etl]:
    """`python -m target.etl`, which has pulled once, and pulls again only when it is told to."""
    told = {"DATABASE_URL": database.url, "FEED_URL": feed_url, "PULL_EVERY_S": NEVER, "DAY_S": NEVER, **variables}
    with running_service("etl", log, told) as (url, process):
        etl = Etl(url, process)
        try:
            yield etl
        finally:
            etl.client.close()
