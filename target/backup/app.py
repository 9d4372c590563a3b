"""The backup service's small face: how it is, and `POST /take` to take one now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Query, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from target.alerts.exposed import Exposed
from target.alerts.teller import TABLES as ALERTS
from target.alerts.teller import Teller
from target.alerts.webhook import Alert
from target.backup.alerting import wrong
from target.backup.facts import HEARTBEAT
from target.backup.folder import BackupError
from target.backup.metrics import Metrics
from target.backup.service import Service
from target.database import Database, prepare
from target.serve import called_off
from target.settings import Settings


def make(settings: Settings) -> FastAPI:
    service = Service(settings)
    exposed = Exposed(Metrics(service).registry, settings.weakness)

    def wrong_now() -> list[Alert]:
        return wrong(service.troubles, service.stale_s, service.is_stale, service.unverified)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.folder.make()
        service.folder.clear()
        await prepare(settings.database_url, HEARTBEAT, ALERTS, within_s=settings.database_startup_s)
        database = await Database.connect(settings, "backup", 1)
        teller = Teller("backup", database, settings, wrong_now, tells_of_database=False)
        parts = (service, service.receiver, service.heart, teller)
        tasks = [asyncio.create_task(one.run()) for one in parts]
        try:
            yield
        finally:
            await called_off(tasks)
            await teller.close()
            await database.close()

    app = FastAPI(title="backup", openapi_url=None, lifespan=lifespan)

    @app.post("/take")
    async def take(kind: str = Query(default="physical", pattern="^(logical|physical)$")) -> Response:
        try:
            backup = await service.taker.take(kind)
        except BackupError as error:
            return JSONResponse({"error": str(error)}, 502)
        return JSONResponse({"backup": str(backup.path)}, 201)

    @app.get("/status")
    async def status() -> Response:
        return JSONResponse(await asyncio.to_thread(service.status))

    @app.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})  # a database that is away is no reason to start it again

    @app.get("/metrics")
    async def metrics_text() -> Response:
        return PlainTextResponse(exposed.text(), media_type="text/plain; version=0.0.4")

    return app
