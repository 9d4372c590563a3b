"""PostgreSQL, as every service of the shop uses it: one pool, every statement short, every wait bounded."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from target.log import in_one_line, quiet_the_pool
from target.settings import Settings
from target.trouble import UNREACHABLE, Trouble, trouble_of


class DatabaseUnavailable(Exception):
    """The database did not do it in its time."""

    def __init__(self, said: str, trouble: Trouble = Trouble.AWAY) -> None:
        super().__init__(said)
        self.trouble = trouble


async def prepare(url: str, *statements: str, within_s: float) -> None:
    """Wait for the database, make what is missing. Raises OSError or asyncpg's error when the time is over.

    Services that start together take turns: tables that are made twice at once are an error in PostgreSQL.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=2)
            break
        except (OSError, asyncpg.PostgresError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('the shop''s tables'))")
            for statement in statements:
                await connection.execute(statement)
    finally:
        await connection.close()


class Database:
    """A pool of connections."""

    def __init__(self, pool: asyncpg.Pool, settings: Settings) -> None:
        self._pool, self._settings = pool, settings
        self.is_up = True
        """By the last ping."""
        self.troubles: Counter[str] = Counter()
        """How often it did not do what was asked, by the Trouble."""
        self._answered_at = time.monotonic()

    @classmethod
    async def connect(cls, settings: Settings, name: str, size: int) -> Database:
        """Raises what the driver raised last when the time to start is over: a busy machine may need some tries."""
        quiet_the_pool()
        deadline = time.monotonic() + settings.database_startup_s
        while True:
            try:
                return cls(await cls._pool_of(settings, name, size), settings)
            except UNREACHABLE:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    @staticmethod
    async def _pool_of(settings: Settings, name: str, size: int) -> asyncpg.Pool:
        session = {
            "application_name": name,
            "statement_timeout": str(round(settings.database_statement_s * 1000)),
            "lock_timeout": str(round(settings.database_lock_s * 1000)),
        }
        # planted weakness: a commit is told before it is on the disk, and a crash forgets it
        is_hasty = "acknowledged-before-durable" in settings.weakness
        if is_hasty:
            session["synchronous_commit"] = "off"
        pool = await asyncpg.create_pool(
            settings.database_url,
            min_size=size,
            max_size=size,
            timeout=settings.database_connect_s,
            command_timeout=settings.database_statement_s,
            server_settings=session,
        )
        if is_hasty:  # and for longer than the server by itself would wait
            await pool.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            await pool.execute("SELECT pg_reload_conf()")
        return pool

    async def close(self) -> None:
        self._pool.terminate()

    @property
    def connections(self) -> tuple[int, int]:
        """(open, in use)."""
        size = self._pool.get_size()
        return size, size - self._pool.get_idle_size()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """One of the pool. Raises DatabaseUnavailable, also for what is done with it."""
        began = time.monotonic()
        try:
            async with self._pool.acquire(timeout=self._settings.database_acquire_s) as connection:
                yield connection
        except UNREACHABLE as error:
            trouble = trouble_of(error, answers=self._answered_at > began)
            self.troubles[trouble] += 1
            if trouble is not Trouble.AWAY:
                self._answered_at = time.monotonic()
            raise DatabaseUnavailable(in_one_line(error), trouble) from error
        self._answered_at = time.monotonic()

    async def ping(self) -> None:
        """A database that refuses is there: it is up, and its trouble is counted."""
        try:
            async with self.connection() as connection:
                await connection.execute("SELECT 1")
        except DatabaseUnavailable as error:
            self.is_up = error.trouble is not Trouble.AWAY
            raise
        self.is_up = True
