"""What the shop tells Prometheus: requests by route and status, their durations, the pool's connections."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("shop_requests", "Requests answered", ["route", "status"], registry=self.registry)
        self.durations = Histogram("shop_request_seconds", "Time to answer", ["route"], registry=self.registry)
        self._open = Gauge("shop_database_connections", "Connections in the pool", registry=self.registry)
        self._used = Gauge("shop_database_connections_used", "Of those, in use", registry=self.registry)

    def watch_pool(self, connections: Callable[[], tuple[int, int]]) -> None:
        self._open.set_function(lambda: connections()[0])
        self._used.set_function(lambda: connections()[1])

    def text(self) -> bytes:
        return generate_latest(self.registry)


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
