"""The heartbeat: each second a row with the time and a nonce, and a restore point that a restore can lead to."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from target.backup.facts import HEARTBEAT
from target.backup.folder import BackupError, Folder, Point, now_text
from target.backup.receiver import RECEIVER, known
from target.backup.take import connected
from target.backup.wal import lsn_of
from target.settings import Settings

EVERY_S = 1.0
WAITING_MAX = 600
RECEIVED_TRIES, RECEIVED_EVERY_S = 10, 0.03
LOSE_EVERY = 5
log = logging.getLogger("backup")


class Heart:
    def __init__(self, folder: Folder, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._waiting: list[Point] = []
        self._lost: list[str] = []
        self._good_at = time.monotonic()
        self.trouble = ""
        self.last: Point | None = None
        """The newest whose WAL was received."""

    @property
    def silent_s(self) -> float:
        """How long ago the last beat was."""
        return time.monotonic() - self._good_at

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                async with connected(self._settings) as connection:
                    await known(self._folder, connection)
                    await connection.execute(HEARTBEAT)
                    await connection.execute("SET log_min_messages = fatal")  # else each point is two lines of its log
                    while True:
                        began = time.monotonic()
                        async with asyncio.timeout(5):
                            await self._beat(connection)
                        await asyncio.sleep(max(0.0, began + EVERY_S - time.monotonic()))
            except (BackupError, TimeoutError, OSError) as error:
                self.trouble = str(error) or "the database does not answer"
            except Exception as error:  # whatever it is, the next beat may do better
                log.exception("no heartbeat")
                self.trouble = str(error)
            await asyncio.sleep(EVERY_S)

    async def _beat(self, connection: Any) -> None:
        """The point first: the commit of the row sends its WAL on its way."""
        at = datetime.now(UTC)
        name = f"point-{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z"
        row = await connection.fetchrow(
            "SELECT lsn::text, pg_walfile_name(lsn) AS file FROM pg_create_restore_point($1) lsn", name
        )
        point = Point(name, lsn_of(row["lsn"]), int(row["file"][:8], 16), now_text())
        self._waiting = [*self._waiting, point][-WAITING_MAX:]
        await connection.execute(
            "INSERT INTO public.harness_heartbeat (id, at, nonce) VALUES (1, $1, $2) "
            "ON CONFLICT (id) DO UPDATE SET at = $1, nonce = $2",
            at,
            uuid.uuid4().hex,
        )
        for _ in range(RECEIVED_TRIES):
            await self._note_received(connection)
            if not self._waiting:
                break
            await asyncio.sleep(RECEIVED_EVERY_S)
        self._good_at, self.trouble = time.monotonic(), ""
        if "wal-gap" in self._settings.weakness:
            await self._lose(connection)

    async def _note_received(self, connection: Any) -> None:
        """Write down the points whose WAL the archive has on its disk."""
        flushed = await connection.fetchval(
            "SELECT flush_lsn::text FROM pg_stat_replication WHERE application_name = $1", RECEIVER
        )
        if flushed is not None:
            end = lsn_of(flushed)
            received = [one for one in self._waiting if one.lsn <= end]
            self._waiting = [one for one in self._waiting if one.lsn > end]
            self._folder.add(received)
            self.last = received[-1] if received else self.last

    async def _lose(self, connection: Any) -> None:
        # planted weakness: now and then a segment ends, and what was received of it is lost
        for name in self._lost:
            (self._folder.wal / name).unlink(missing_ok=True)
        self._lost = []
        if int(time.monotonic()) % LOSE_EVERY == 0:
            self._lost = [await connection.fetchval("SELECT pg_walfile_name(pg_switch_wal())")]
