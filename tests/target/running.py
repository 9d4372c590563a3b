"""The shop as it runs: a real PostgreSQL, the real api, and a provider that answers as a test tells it to."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from harness.stack.child import Child, last_lines, start
from harness.stack.ports import free_ports
from harness.stack.postgres import Postgres
from harness.waiting import wait_until

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"
READY_WITHIN_S = 30.0
BREAKER_REMEMBERS = 10
SHOP = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "shop", "POSTGRES_DB": "shop"}


def nowhere() -> str:
    """An address that nobody listens at."""
    return f"http://{LOOPBACK}:{free_ports(1)[0]}"


@dataclass(frozen=True, slots=True)
class Database:
    """Where it is, and its process."""

    url: str
    process: Child

    async def value(self, query: str) -> Any:
        connection = await asyncpg.connect(self.url)
        found = await connection.fetchval(query)
        await connection.close()
        return found

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        await connection.execute(statement)
        await connection.close()


@contextmanager
def running_database() -> Iterator[Database]:
    """An empty PostgreSQL, in a folder that another user can reach: it refuses to be root's."""
    with tempfile.TemporaryDirectory(prefix="shop-postgres-", ignore_cleanup_errors=True) as folder:
        (port,) = free_ports(1)
        server = Postgres("postgres", Path(folder), port, SHOP, Path(folder) / "log")
        process = server.launch().begin()
        try:
            _wait_ready(process, server.ready)
            server.create_database()
            database = Database(f"postgresql://shop:shop@{LOOPBACK}:{port}/shop", process)
            # the shop gives a statement half a second, which a busy disk would take for a commit
            asyncio.run(database.execute("ALTER DATABASE shop SET synchronous_commit = off"))
            yield database
        finally:
            process.end()


class Provider:
    """Stands for the payments provider. It charges, until it is told what to say, or to say nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.asked_at: list[float] = []
        self._speak = threading.Event()
        self.charges()
        provider = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # a body that follows its head would wait for it

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                provider.asked.append(self.headers["Idempotency-Key"])
                provider.asked_at.append(time.monotonic())
                status, body = provider._status, provider._body
                if not provider._speak.wait(READY_WITHIN_S):
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in provider._headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the tests look at what it was asked."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # five would drop what comes at once, and the next try of TCP is a second later

            def handle_error(self, request: object, client_address: object) -> None:
                """Nothing: a client that gave up is what some tests are about."""

        self._server = Server((LOOPBACK, 0), Answering)
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def says(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        """From now on, to everything."""
        self._status, self._body = status, body
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._speak.set()

    def charges(self) -> None:
        self.says(201, json.dumps({"charge_id": "ch_1", "amount_cents": 1}).encode())

    def is_silent(self) -> None:
        """It takes what comes, and answers when it is told what to say."""
        self._speak.clear()

    def close(self) -> None:
        self._speak.set()
        self._server.shutdown()
        self._thread.join(READY_WITHIN_S)
        self._server.server_close()


class Api:
    """The shop's front, as its customers use it."""

    def __init__(self, url: str, process: Child, database: Database) -> None:
        self.process, self._database = process, database
        self.client = httpx.Client(base_url=url, timeout=10, trust_env=False)

    def buy(self, key: str | None = None, **basket: object) -> httpx.Response:
        """Check out one of product 1, or what else is told."""
        body = {"product_id": 1, "quantity": 1, "customer": "a customer", **basket}
        return self.client.post("/checkout", json=body, headers={"Idempotency-Key": key} if key else {})

    def order(self, order_id: int | str) -> httpx.Response:
        return self.client.get(f"/orders/{order_id}")

    def status(self, order_id: int) -> str:
        return str(self.order(order_id).json()["status"])

    def stock(self, product_id: int = 1) -> int:
        products: list[dict[str, Any]] = self.client.get("/catalogue").json()
        return next(int(one["available"]) for one in products if one["id"] == product_id)

    def metric(self, sample: str) -> float:
        """One line of /metrics by its name and labels; 0 where it has never been counted."""
        lines = self.client.get("/metrics").text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(f"{sample} ")), 0.0)

    def breaker(self, service: str = "payments") -> float:
        """0 closed, 1 half open, 2 open."""
        return self.metric(f'shop_breaker_state{{service="{service}"}}')

    def owed(self) -> int:
        """How many charges are in the outbox; the metric is that of the last time that the shop looked."""
        return int(asyncio.run(self._database.value("SELECT count(*) FROM outbox")))

    def forget_failures(self) -> None:
        """Whatever the provider did before: all is paid, and the breaker remembers only calls that went well."""
        assert wait_until(lambda: self.buy().status_code == 201 and self.owed() == 0, 15)
        for _ in range(BREAKER_REMEMBERS):
            assert self.buy().status_code == 201

    def log(self) -> str:
        return self.process.log.read_text(encoding="utf-8")


@contextmanager
def running_api(database: Database, payments_url: str, log: Path, **variables: str) -> Iterator[Api]:
    """`python -m target.api`, ready for customers."""
    told = {"DATABASE_URL": database.url, "PAYMENTS_URL": payments_url, "SHIPPING_URL": nowhere(), **variables}
    with running_service("api", log, told) as (url, process):
        api = Api(url, process, database)
        try:
            yield api
        finally:
            api.client.close()


@contextmanager
def running_service(name: str, log: Path, variables: Mapping[str, str]) -> Iterator[tuple[str, Child]]:
    """`python -m target.NAME`, ready: its address and its process."""
    (port,) = free_ports(1)
    environment = {**os.environ, "WEAKNESS": "", "HOST": LOOPBACK, "PORT": str(port), **variables}
    process = start(name, [sys.executable, "-m", f"target.{name}"], log, environment=environment, folder=ROOT)
    url = f"http://{LOOPBACK}:{port}"
    try:
        _wait_ready(process, lambda: _is_ready(url))
        yield url, process
    finally:
        process.end()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=10, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _wait_ready(process: Child, ready: Callable[[], bool]) -> None:
    up = wait_until(lambda: process.ended() is not None or ready(), READY_WITHIN_S)
    assert up, f"{process.name} was not ready within {READY_WITHIN_S:g} s:\n{last_lines(process.log)}"
    assert process.ended() is None, f"{process.name} ended with {process.ended()}:\n{last_lines(process.log)}"
