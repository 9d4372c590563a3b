"""GET /batches, /batches/{id} and /rows: a day is over every few seconds, and is a batch then."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import date, timedelta
from typing import Literal

from fastapi import FastAPI, HTTPException, Response

from target.feed.invoices import FIRST_DAY, OPENING_DAY, Invoice, as_csv, as_json, header, invoices, spoilt
from target.settings import Settings

DAYS_MAX = 400
"""Of a listing: more than a year needs another `since`."""


class Calendar:
    """Which day it is at the provider's. A day lasts `day_s`."""

    def __init__(self, day_s: float) -> None:
        self._day_s, self._opened = day_s, time.monotonic()

    def today(self, seen: date | None = None) -> date:
        """No earlier than what was seen: a provider that was started again goes on where it was."""
        today = OPENING_DAY + timedelta(days=int((time.monotonic() - self._opened) / self._day_s))
        if seen is not None and seen >= today:
            self._opened -= ((seen - today).days + 1) * self._day_s
            return self.today()
        return today


def make(settings: Settings) -> FastAPI:
    app = FastAPI(title="feed", openapi_url=None)
    calendar = Calendar(settings.day_s)

    def is_there(day: date) -> bool:
        without = settings.feed_without
        return day >= FIRST_DAY and not (without and str(day).startswith(without))

    def rows_of(day: date) -> list[Invoice]:
        return invoices(day, settings.seed, settings.feed_ratio)

    def over(since: date, today: date) -> list[date]:
        days = [since + timedelta(days=n) for n in range(1, min((today - since).days, DAYS_MAX + 1))]
        return [day for day in days if is_there(day)]

    @app.get("/batches")
    async def batches(since: date = FIRST_DAY - timedelta(days=1), month: str = "") -> dict[str, object]:
        """Those of the days after `since` that are over."""
        seen = since if since <= OPENING_DAY + timedelta(days=100 * DAYS_MAX) else None
        today = calendar.today(seen)
        days = [day for day in over(since, today) if f"{day:%Y-%m}".startswith(month)]
        return {"today": str(today), "batches": [header(day, rows_of(day)) for day in days]}

    @app.get("/batches/{batch_id}")
    async def batch(batch_id: str, format: Literal["json", "csv"] = "json") -> Response:
        try:
            day = date.fromisoformat(batch_id.removeprefix("batch-"))
        except ValueError:
            day = date.max
        if not is_there(day) or day >= calendar.today():
            raise HTTPException(404, f"no batch {batch_id}")
        rows = spoilt(rows_of(day), settings.feed_bad)
        if format == "csv":
            return Response(as_csv(day, rows), media_type="text/csv; charset=utf-8")
        return Response(as_json(day, rows), media_type="application/json")

    @app.get("/rows")
    async def rows(since: date) -> dict[str, object]:
        """All that is offered of the days after `since`, for whoever compares what they have with what there is."""
        days = over(since, calendar.today())
        batches = [{"batch_id": f"batch-{day}", "rows": [asdict(row) for row in rows_of(day)]} for day in days]
        return {"batches": batches}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app
