"""What the shop tells Prometheus: its requests, its calls to others, its pool, its breakers, its outbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from target.api.breaker import Breaker, BreakerOpen
from target.database import Database
from target.retry import CREDENTIALS_REFUSED, Refused, Unavailable
from target.trouble import Troubles


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("shop_requests", "Requests answered", ["route", "status"], registry=self.registry)
        self.durations = Histogram("shop_request_seconds", "Time to answer", ["route"], registry=self.registry)
        self._attempts = Counter("shop_attempts", "Calls to others", ["service", "outcome"], registry=self.registry)
        self.charges = Counter("shop_charges", "Charges that customers waited for", registry=self.registry)
        self.retries = Counter("shop_charge_retries", "Times that one was tried again", registry=self.registry)
        self._refused = Counter(
            "shop_credentials_refused", "Calls refused for who we are", ["service"], registry=self.registry
        )
        for service in ("payments", "shipping"):
            self._refused.labels(service)  # increase() does not see the first of a series
        self._breaker = Gauge(
            "shop_breaker_state", "0 closed, 1 half open, 2 open", ["service"], registry=self.registry
        )
        self._owed = Gauge("shop_outbox_charges", "Accepted orders that nobody has paid yet", registry=self.registry)
        self._oldest = Gauge("shop_outbox_oldest_seconds", "How long the oldest waits", registry=self.registry)
        self._up = Gauge("shop_database_up", "Whether the database answers", registry=self.registry)
        self._open = Gauge("shop_database_connections", "Connections in the pool", registry=self.registry)
        self._used = Gauge("shop_database_connections_used", "Of those, in use", registry=self.registry)

    def watch_database(self, database: Database) -> None:
        self._up.set_function(lambda: database.is_up)
        self._open.set_function(lambda: database.connections[0])
        self._used.set_function(lambda: database.connections[1])
        self.registry.register(Troubles("shop_database_troubles", database.troubles))

    def watch_breaker(self, breaker: Breaker) -> None:
        self._breaker.labels(breaker.name).set_function(lambda: breaker.state.value)

    def watch_outbox(self, depth: Callable[[], tuple[int, float]]) -> None:
        self._owed.set_function(lambda: depth()[0])
        self._oldest.set_function(lambda: depth()[1])

    @contextmanager
    def attempts(self, service: str) -> Iterator[None]:
        """Counts one call to another service by how it ends: ok, refused, failed, not made."""
        outcome = "called off"
        try:
            yield
            outcome = "ok"
        except BreakerOpen:
            outcome = "not made"
            raise
        except Unavailable:
            outcome = "failed"
            raise
        except Refused:
            outcome = "refused"
            raise
        finally:
            self._attempts.labels(service, outcome).inc()

    def answered(self, service: str, status: int) -> None:
        """What another service answered a call with."""
        if status in CREDENTIALS_REFUSED:
            self._refused.labels(service).inc()

    def totals(self) -> dict[str, float]:
        """What `alerting.Counted` is about, since the start."""
        by_status = [(labels["status"], count) for labels, count in _samples(self.requests)]
        errors = sum(count for status, count in by_status if status[0] == "5" and status != "503")
        totals = {
            "requests": self.requests,
            "charges": self.charges,
            "retries": self.retries,
            "credentials_refused": self._refused,
        }
        return {"errors": errors, **{name: sum(value for _, value in _samples(one)) for name, one in totals.items()}}


def _samples(counter: Counter) -> Iterator[tuple[dict[str, str], float]]:
    """(labels, count) of each of its series."""
    for metric in counter.collect():
        yield from ((one.labels, one.value) for one in metric.samples if one.name.endswith("_total"))


class Measured:
    """ASGI middleware that counts and times every request by the route that it met."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watching)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.requests.labels(route, status).inc()
            self._metrics.durations.labels(route).observe(time.perf_counter() - began)
