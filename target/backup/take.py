"""Takes one backup: made in a folder that no reader looks at, which gets its name when all of it is there.

The facts of its manifest are of the same instant as its data. Logical: they are read in the snapshot that pg_dump is
given. Physical: for a moment nobody writes; a snapshot and a restore point are made in it, and that point is what the
backup is restored to.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from target.backup import facts
from target.backup.folder import MANIFEST, Backup, BackupError, Folder, Point, now_text, sync
from target.backup.programs import access, programs, run
from target.backup.wal import Archive, lsn_of, text_of
from target.log import in_one_line
from target.settings import Settings

DUMP_WITHIN_S = COPY_WITHIN_S = 300.0
STATEMENT_S, CONNECT_S = 60.0, 5.0
LOCK_MS, LOCK_TRIES = 100, 30
"""Who waits for a lock lets others wait behind it: for less time than the shop has patience, and then again later."""
PLACE_TRIES = 20
RECEIVED_WITHIN_S = 20.0
NAME = "shop-backup"


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Any]:
    """A connection of its own. Raises BackupError, also for what is done with it."""
    try:
        connection = await asyncpg.connect(
            settings.database_url,
            timeout=CONNECT_S,
            command_timeout=STATEMENT_S,
            server_settings={"application_name": NAME},
        )
        try:
            yield connection
        finally:
            connection.terminate()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise BackupError(f"the database: {in_one_line(error)}") from error


def sums(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and sha256 of every file below a folder, but of the manifest. Raises OSError, with the file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / MANIFEST:
            try:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error  # a read alone does not say of what
            found[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": digest}
    return found


class Taker:
    """Takes backups of one database into one folder, one at a time."""

    def __init__(self, folder: Folder, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._weakness = settings.weakness
        self._one_at_a_time = asyncio.Lock()
        self._replica: Any = None

    async def take(self, kind: str) -> Backup:
        """Raises BackupError, and leaves no half behind."""
        async with self._one_at_a_time:
            making, place = await self._free_place(kind)
            try:
                manifest = {"schema": 1, "kind": kind, **await self._made(kind, making)}
                fresh = making / MANIFEST
                fresh.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
                await asyncio.to_thread(sync, fresh, making)  # older ones are taken away once this one is there
                making.rename(place)
                await asyncio.to_thread(sync, place.parent)
            except OSError as error:
                raise BackupError(f"{making}: {error.strerror or error}") from error
            finally:
                shutil.rmtree(making, ignore_errors=True)
            return Backup(place, kind, manifest)

    async def _free_place(self, kind: str) -> tuple[Path, Path]:
        """A name is of a second: whoever else makes one in the same has it. Raises BackupError."""
        for _ in range(PLACE_TRIES):
            making, place = self._folder.place(kind)
            try:
                making.mkdir(parents=True)
            except FileExistsError:
                pass
            except OSError as error:
                raise BackupError(f"{making}: {error.strerror or error}") from error
            else:
                if not place.exists():
                    return making, place
                making.rmdir()
            await asyncio.sleep(0.25)
        raise BackupError(f"others make backups in {self._folder.path} without a pause")

    async def _made(self, kind: str, making: Path) -> dict[str, Any]:
        began = now_text()
        last = next(iter(self._folder.backups(kind)), None)
        if "backup-stale" in self._weakness and last is not None:
            # planted weakness: the schedule goes on, and what it makes is the first one again
            shutil.copytree(last.path, making, dirs_exist_ok=True)
            return {**last.manifest, "started_at": began, "finished_at": now_text()}
        async with connected(self._settings) as connection:
            await facts.prepare(connection)
            version = await connection.fetchval("SHOW server_version")
            tools = programs(int(version.split(".")[0]))
            made = await (self._logical if kind == "logical" else self._physical)(connection, tools, making)
            database = await connection.fetchval("SELECT current_database()")
        files = await asyncio.to_thread(sums, making)
        return {
            **{"started_at": began, "finished_at": now_text(), "server_version": version.split(" ")[0]},
            **{"database": database, **made, "files": files},
        }

    async def _logical(self, connection: Any, tools: Path, making: Path) -> dict[str, Any]:
        environment = access(self._settings.database_url, NAME)
        tool = (await run([tools / "pg_dump", "--version"], environment, STATEMENT_S)).strip()
        positions = await facts.sequences(connection)
        dump = making / "shop.dump"
        async with self._still(connection) as reader:
            lsn, timeline = await _now(reader)
            snapshot = await reader.fetchval("SELECT pg_catalog.pg_export_snapshot()")
            command: list[str | Path] = [tools / "pg_dump", "-Fc", "-Z0", f"--snapshot={snapshot}", "--file", dump]
            await run(command, environment, DUMP_WITHIN_S)
            found = await facts.read(reader)
        await run(
            [tools / "pg_dumpall", "--globals-only", "--no-role-passwords", "--file", making / "globals.sql"],
            environment,
            DUMP_WITHIN_S,
        )
        if "backup-half" in self._weakness:
            # planted weakness: the disk was full, and nobody looked at how the dump ended
            with dump.open("r+b") as file:
                file.truncate(dump.stat().st_size // 2)
        return {"format": "custom", "tool": tool, "lsn": lsn, "timeline": timeline, "sequences": positions, **found}

    @asynccontextmanager
    async def _still(self, connection: Any) -> AsyncIterator[Any]:
        """A connection for which the data stands still."""
        if "replica-behind" in self._weakness:
            # planted weakness: dumps are of a replica that stopped to follow when it was first asked
            if self._replica is None or self._replica.is_closed():
                self._replica = await asyncpg.connect(self._settings.database_url, timeout=CONNECT_S)
                await facts.prepare(self._replica)
                await self._replica.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield self._replica
            return
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection

    async def _physical(self, connection: Any, tools: Path, making: Path) -> dict[str, Any]:
        environment = access(self._settings.database_url, NAME)
        tool = (await run([tools / "pg_basebackup", "--version"], environment, STATEMENT_S)).strip()
        base = making / "base"
        command: list[str | Path] = [tools / "pg_basebackup", "-D", base, "-Fp", "-X", "stream"]
        command += ["--checkpoint=fast"]
        await run(command, environment, COPY_WITHIN_S)
        name = f"backup-{making.name.removeprefix('.making-')}"
        positions = await facts.sequences(connection)
        found, point = await self._instant(connection, name)
        await self._received(point)
        return {
            **{"format": "basebackup", "tool": tool, "lsn": text_of(point.lsn), "timeline": point.timeline},
            **{"target": {"name": name}, "wal": "../../wal", "sequences": positions, **found},
        }

    async def _instant(self, connection: Any, name: str) -> tuple[dict[str, Any], Point]:
        """The facts of an instant in which nobody wrote, and the restore point that stands for it. Raises BackupError
        when no such moment comes, since a transaction of somebody else's goes on and on."""
        said: list[str] = []
        connection.add_log_listener(lambda _, message: said.append(str(message.message)))
        for _ in range(LOCK_TRIES):
            try:
                await connection.execute(_still_for_a_moment(name, await facts.tables(connection)))
                break
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.UndefinedTableError):
                await connection.execute("ROLLBACK")
                await asyncio.sleep(LOCK_MS / 1000)
        else:
            raise BackupError("a transaction of somebody else's goes on and on: no moment came in which nobody wrote")
        found = await facts.read(connection, unlogged=False)
        await connection.execute("COMMIT")
        lsn, file = next(one for one in said if one.startswith(f"{name} ")).split()[1:]
        await self._flush()
        return found, Point(name, lsn_of(lsn), int(file[:8], 16), now_text())

    async def _flush(self) -> None:
        """A restore point alone waits for the next commit to reach the disk, and who receives the WAL."""
        async with connected(self._settings) as connection:
            await connection.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'backup', 'flush')")

    async def _received(self, point: Point) -> None:
        """Wait until the archive has the WAL through that point. Raises BackupError."""
        deadline = time.monotonic() + RECEIVED_WITHIN_S
        while not await asyncio.to_thread(self._holds, point):
            if time.monotonic() > deadline:
                raise BackupError(
                    f"the WAL of the backup was not received within {RECEIVED_WITHIN_S:g} s; does pg_receivewal run?"
                )
            await asyncio.sleep(0.1)

    def _holds(self, point: Point) -> bool:
        try:
            return Archive(self._folder.wal).holds(point.name, point.lsn, point.timeline)
        except OSError:
            return False  # a segment was just renamed


def _still_for_a_moment(name: str, tables: list[tuple[str, str]]) -> str:
    """A script that makes a restore point and takes a snapshot while all tables are locked against writers, all or
    none. It is sent as one, so that no way there and back lengthens that; the locks end with the savepoint, the
    snapshot with the transaction."""
    names = ", ".join(f"{facts.quoted(schema)}.{facts.quoted(table)}" for schema, table in tables)
    return f"""
        BEGIN ISOLATION LEVEL REPEATABLE READ;
        SET LOCAL lock_timeout = {LOCK_MS};
        SAVEPOINT still;
        {f"LOCK TABLE {names} IN SHARE MODE;" if names else ""}
        DO $$ DECLARE lsn pg_lsn := pg_create_restore_point('{name}');
        BEGIN RAISE NOTICE '{name} % %', lsn, pg_walfile_name(lsn); END $$;
        ROLLBACK TO SAVEPOINT still;
    """


async def _now(connection: Any) -> tuple[str, int]:
    """(LSN, timeline) of this moment."""
    row = await connection.fetchrow(
        "SELECT lsn::text, pg_catalog.pg_walfile_name(lsn) AS file FROM pg_catalog.pg_current_wal_lsn() lsn"
    )
    return row["lsn"], int(row["file"][:8], 16)
