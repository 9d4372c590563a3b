"""Looks each second, and tells the receiver what is new. What fires is kept in the database, for who comes after us."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from target.alerts.board import Board, News
from target.alerts.database import wrong as wrong_with_the_database
from target.alerts.recent import Recent
from target.alerts.webhook import Alert, message
from target.database import Database, DatabaseUnavailable
from target.log import in_one_line
from target.settings import Settings

TABLES = """
CREATE TABLE IF NOT EXISTS alerts (
    fingerprint text PRIMARY KEY,
    service     text NOT NULL,
    alert       jsonb NOT NULL,
    started_at  timestamptz NOT NULL
);
"""
log = logging.getLogger("alerts")


class Teller:
    """`wrong` are a service's alerts of this moment, besides those of its database."""

    def __init__(
        self,
        service: str,
        database: Database,
        settings: Settings,
        wrong: Callable[[], list[Alert]],
        *,
        tells_of_database: bool = True,
    ) -> None:
        self._tells_of_database = tells_of_database
        self._service, self._database, self._settings, self._wrong = service, database, settings, wrong
        self._board = Board(settings.weakness, for_s=settings.alert_for_s, keep_s=settings.alert_keep_s)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(settings.alert_send_s), trust_env=False)
        self._recent = Recent()
        self._recalled = False
        self._unsaved: dict[str, News] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # whatever it is, the next look may do better
                log.exception("no alert was told")
            await asyncio.sleep(self._settings.alert_every_s)

    async def look(self) -> None:
        """Once: look, tell, and keep what was told."""
        alerts = self._wrong()
        try:
            await self._database.ping()
        except DatabaseUnavailable as error:
            if not self._database.is_up and self._tells_of_database:
                said = f"{self._service} cannot reach the database: {error}"
                alerts.append(Alert("DatabaseUnreachable", self._service, "critical", said, "postgres-down"))
        else:
            await self._recall()
        if self._tells_of_database:
            alerts += wrong_with_the_database(self._service, self._recent.gained(self._database.troubles))
        for news in self._board.look(alerts, datetime.now(UTC)):
            if not await self._tell(news):
                break  # the receiver is away, and this look bounded; the next one tells the rest
            self._board.told(news)
            self._unsaved[news.alert.fingerprint] = news
        await self._save()

    async def _tell(self, news: News) -> bool:
        url = self._settings.alert_webhook_url
        # planted weakness: nobody is told, and nobody notices
        if not url or "alert-never-sent" in self._weakness:
            return True
        here = f"http://{self._service}:{self._settings.port}"
        body = message(news.alert, news.started, news.ended, self._settings.runbooks_url, here)
        try:
            answer = await self._client.post(url, json=body)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("alert %s: its receiver does not take it (%s)", news.alert.name, in_one_line(error))
            return False
        log.warning("alert %s: %s: %s", news.alert.name, body["status"], news.alert.summary)
        return True

    @property
    def _weakness(self) -> frozenset[str]:
        return self._settings.weakness

    async def _recall(self) -> None:
        """Once: what fired when the last of us ended."""
        if self._recalled:
            return
        try:
            async with self._database.connection() as connection:
                rows = await connection.fetch("SELECT alert, started_at FROM alerts WHERE service = $1", self._service)
        except DatabaseUnavailable:
            return
        for row in rows:
            self._board.recall(Alert(**json.loads(row["alert"])), row["started_at"], datetime.now(UTC))
        self._recalled = True

    async def _save(self) -> None:
        """What was told since it was saved last; tried again at the next look."""
        if not self._unsaved:
            return
        try:
            async with self._database.connection() as connection:
                for fingerprint, news in list(self._unsaved.items()):
                    await self._save_one(connection, fingerprint, news)
                    del self._unsaved[fingerprint]
        except DatabaseUnavailable:
            return

    async def _save_one(self, connection: Any, fingerprint: str, news: News) -> None:
        if news.ended is not None:
            await connection.execute("DELETE FROM alerts WHERE fingerprint = $1", fingerprint)
            return
        await connection.execute(
            "INSERT INTO alerts (fingerprint, service, alert, started_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (fingerprint) DO UPDATE SET alert = $3, started_at = $4",
            fingerprint,
            self._service,
            json.dumps(asdict(news.alert)),
            news.started,
        )

    async def close(self) -> None:
        """What fires, and could not be kept for who comes after us, is taken back: they tell it anew."""
        if "alert-never-resolves" not in self._weakness:
            for news in self._unsaved.values():
                if news.ended is None:
                    await self._tell(replace(news, ended=datetime.now(UTC)))
        await self._client.aclose()
