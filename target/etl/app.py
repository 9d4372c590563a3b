"""The etl's small face: how it is, what it pulled, and `POST /pull` to pull now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date
from typing import Any

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from target.alerts.exposed import Exposed
from target.alerts.recent import Recent
from target.alerts.teller import TABLES as ALERTS
from target.alerts.teller import Teller
from target.alerts.webhook import Alert
from target.billing.ledger import Ledger
from target.database import Database, DatabaseUnavailable, prepare
from target.etl.alerting import wrong
from target.etl.audit import Audit
from target.etl.loader import Loader
from target.etl.metrics import Metrics
from target.etl.schema import TABLES
from target.etl.source import Feed
from target.etl.store import Store
from target.etl.worker import Worker
from target.serve import called_off
from target.settings import Settings

log = logging.getLogger("etl")


def make(settings: Settings) -> FastAPI:
    metrics = Metrics()
    exposed = Exposed(metrics.registry, settings.weakness)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await prepare(settings.database_url, TABLES, ALERTS, within_s=settings.database_startup_s)
        database = await Database.connect(settings, "etl", settings.etl_pool_size)
        feed, store = Feed(settings, metrics), Store(database)
        loader, ledger = Loader(database, settings.weakness), Ledger(database, settings.weakness)
        worker = Worker(feed, store, loader, ledger, settings, metrics)
        metrics.watch_billing(ledger)
        app.state.store, app.state.worker, app.state.ledger = store, worker, ledger
        app.state.audit = Audit(database)
        metrics.watch_database(database)
        recent = Recent()

        def wrong_now() -> list[Alert]:
            refused = recent.gained(metrics.totals())["credentials_refused"]
            return wrong(*worker.state, ledger.findings, refused)

        teller = Teller("etl", database, settings, wrong_now)
        tasks = [asyncio.create_task(one.run()) for one in (worker, teller)]
        try:
            yield
        finally:
            await called_off(tasks)
            await teller.close()
            await feed.close()
            await database.close()

    app = FastAPI(title="etl", openapi_url=None, lifespan=lifespan)

    def store_of(request: Request) -> Store:
        store: Store = request.app.state.store
        return store

    def audit_of(request: Request) -> Audit:
        audit: Audit = request.app.state.audit
        return audit

    def worker_of(request: Request) -> Worker:
        worker: Worker = request.app.state.worker
        return worker

    def seen(batch: dict[str, Any] | None, request: Request) -> Response:
        if batch is None:
            return JSONResponse({"error": "no such batch"}, 404)
        # planted weakness: the last good batch passes for the newest
        stale = worker_of(request).stale and "fallback-lies" not in settings.weakness
        return JSONResponse({"stale": stale, **batch})

    @app.get("/invoices")
    async def invoices(request: Request) -> Response:
        """The last good batch, and whether there may be a newer one."""
        return seen(await store_of(request).last_good(), request)

    @app.get("/batches")
    async def batches(request: Request, since: date) -> Response:
        """How much of each batch a reader sees, of the days after `since`."""
        return JSONResponse({"batches": await audit_of(request).batches(since)})

    @app.get("/ledger")
    async def ledger(request: Request, since: date) -> Response:
        """What became of each row, of the days after `since`."""
        return JSONResponse({"batches": await audit_of(request).ledger(since)})

    @app.get("/batches/{batch_id}")
    async def batch(request: Request, batch_id: str) -> Response:
        return seen(await store_of(request).batch(batch_id), request)

    @app.post("/pull")
    async def pull(
        request: Request, batch: str | None = Query(default=None, pattern=r"^batch-[\w-]{1,58}$")
    ) -> Response:
        pulled = await worker_of(request).pull(batch)
        return JSONResponse({**asdict(pulled), "stale": worker_of(request).stale}, 502 if pulled.errors else 200)

    @app.get("/imports")
    async def imports(request: Request, limit: int = Query(default=50, ge=1, le=1000)) -> Response:
        return JSONResponse(await store_of(request).imports(limit))

    @app.get("/imports/{import_id}")
    async def import_(request: Request, import_id: int) -> Response:
        found = await store_of(request).import_(import_id) if 0 < import_id < 2**63 else None
        return JSONResponse(found or {"error": f"no import {import_id}"}, 200 if found else 404)

    @app.get("/quarantine")
    async def quarantine(request: Request, limit: int = Query(default=100, ge=1, le=1000)) -> Response:
        return JSONResponse(await store_of(request).quarantine(limit))

    @app.get("/billing")
    async def billing(request: Request) -> Response:
        """What is wrong with the bills, as it was seen after the last pull."""
        ledger: Ledger = request.app.state.ledger
        return JSONResponse({"findings": [asdict(one) for one in ledger.findings]})

    @app.get("/billing/{month}")
    async def bills(request: Request, month: str = Path(pattern=r"^\d{4}-\d\d$")) -> Response:
        ledger: Ledger = request.app.state.ledger
        return JSONResponse(await ledger.totals(month))

    @app.get("/status")
    async def status(request: Request) -> Response:
        worker = worker_of(request)
        return JSONResponse(
            {"stale": worker.stale, "today": worker.today and str(worker.today), "last_pull": asdict(worker.last)}
        )

    @app.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})  # a feed or a database that is away is no reason to start it again

    @app.get("/metrics")
    async def metrics_text() -> Response:
        return PlainTextResponse(exposed.text(), media_type="text/plain; version=0.0.4")

    @app.exception_handler(DatabaseUnavailable)
    async def unavailable(request: Request, error: Exception) -> Response:
        log.warning("%s %s: the database does not answer (%s)", request.method, request.url.path, error)
        return JSONResponse({"error": "the database does not answer; try again"}, 503, headers={"Retry-After": "5"})

    return app
