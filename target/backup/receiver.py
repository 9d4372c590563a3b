"""Keeps pg_receivewal running: all WAL goes to the archive as it is written; a slot holds what is not yet there.

Before each start the archive is made such that it can go on: after a restore the server is on a timeline of its own,
and after a long silence its slot has been given up. What was received on a way that was left is set aside, never lost.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from target.backup.folder import BackupError, Folder, now_text, sync
from target.backup.programs import access, dies_with_us, last_words, programs
from target.backup.take import connected
from target.backup.wal import SEGMENT, Archive, Switch, history_of
from target.settings import Settings

SLOT = "shop_backup"
RECEIVER = "shop-backup-wal"
"""What pg_receivewal calls itself."""
AGAIN_AFTER_S = 1.0
log = logging.getLogger("backup")


class OtherDatabase(BackupError):
    """The server is not the one that these backups are of."""


class Receiver:
    def __init__(self, folder: Folder, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._down_since: float | None = time.monotonic()
        self.trouble = ""
        """Why it does not run; "" while it does."""
        self.gaps = 0
        """How often WAL was lost for ever since we started: what was backed up before cannot be led past that."""

    @property
    def down_s(self) -> float:
        """For how long nothing has been received."""
        return 0.0 if self._down_since is None else time.monotonic() - self._down_since

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                command = await self._ready()
                await self._receive(command)
            except BackupError as error:
                self._stopped(str(error))
            except Exception as error:  # whatever it is, the next try may do better
                log.exception("the receiver failed")
                self._stopped(str(error))
            await asyncio.sleep(AGAIN_AFTER_S)

    def _stopped(self, why: str) -> None:
        if why != self.trouble:
            log.warning("no WAL is received (%s)", why)
        self.trouble = why
        if self._down_since is None:
            self._down_since = time.monotonic()

    async def _ready(self) -> list[str]:
        """The command, when slot and archive are ready for it."""
        async with connected(self._settings) as connection:
            await known(self._folder, connection)
            lost = await self._slot(connection)
            row = await connection.fetchrow(
                "SELECT pg_walfile_name(pg_current_wal_lsn()) AS file, "
                "current_setting('server_version_num')::int AS version"
            )
            timeline = int(row["file"][:8], 16)
            if timeline > 1:
                name = f"pg_wal/{timeline:08X}.history"
                switches = history_of(await connection.fetchval("SELECT pg_read_file($1)", name))
                await asyncio.to_thread(self._follow, timeline, switches)
        if lost and self._folder.received():
            self.gaps += 1
            aside = self._folder.set_aside(f"until-{now_text().replace(':', '')}", self._folder.received())
            log.warning("the server kept no WAL for us any longer: what was received is in %s; a gap follows", aside)
        return [
            *(str(programs(row["version"] // 10000) / "pg_receivewal"), "-D", str(self._folder.wal)),
            *("--slot", SLOT, "--synchronous", "--status-interval=1", "--no-loop", "--no-password"),
        ]

    async def _slot(self, connection: Any) -> bool:
        """Make it where it is not; whether what it should have held is lost."""
        row = await connection.fetchrow("SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1", SLOT)
        lost = row is not None and row["wal_status"] == "lost"
        if lost:
            await connection.execute("SELECT pg_drop_replication_slot($1)", SLOT)
        if row is None or lost:
            await connection.execute("SELECT pg_create_physical_replication_slot($1, true)", SLOT)
        return lost

    def _follow(self, timeline: int, switches: list[Switch]) -> None:
        """Make of what was received the way to where the server is now, since it is asked to go on from the end of it.
        Set aside: what is of a timeline after the server left it, or of one that it never was on. Taken back: what
        was set aside before, and lies on the way again. Of the segment in which a timeline was left a whole copy is
        set aside: a restore may yet go the way that was left."""
        archive, wal = Archive(self._folder.wal), self._folder.wal
        ends = {one.timeline: one.lsn // archive.bytes for one in switches}
        for name, path in archive.segments.items():
            on, number = archive.place(name)
            if path.name == name and path.parent != wal and number < ends.get(on, 0):
                os.replace(path, wal / name)
                (wal / f"{name}.partial").unlink(missing_ok=True)
        aside, halves = [], []
        for path in self._folder.received():
            if not SEGMENT.fullmatch(path.name):
                continue
            on, number = archive.place(path.name)
            if on != timeline and number > ends.get(on, -1):
                aside.append(path)
            elif number == ends.get(on) and not path.name.endswith(".partial"):
                halves.append(path)
        if not aside and not halves:
            return
        left = self._folder.set_aside(f"left-{now_text().replace(':', '')}", aside)
        for path in halves:  # it is received again up to where the timeline ends
            fresh = left / f".{path.name}"
            shutil.copyfile(path, fresh)
            sync(fresh)
            fresh.rename(left / path.name)
            path.rename(path.with_name(f"{path.name}.partial"))

    async def _receive(self, command: list[str]) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=access(self._settings.database_url, RECEIVER),
            preexec_fn=dies_with_us,
        )
        assert process.stderr is not None
        said = b""
        watch = asyncio.create_task(self._watch())
        try:
            while line := await process.stderr.readline():
                said = line
            await process.wait()
        finally:
            watch.cancel()
            if process.returncode is None:
                process.terminate()
                with suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        await process.wait()
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        self._stopped(last_words(said) or f"pg_receivewal ended with {process.returncode}")

    async def _watch(self) -> None:
        """It runs when the server says so: a process that waits for an answer receives nothing."""
        while True:
            try:
                async with connected(self._settings) as connection:
                    while True:
                        state = await connection.fetchval(
                            "SELECT state FROM pg_stat_replication WHERE application_name = $1", RECEIVER
                        )
                        if state == "streaming":
                            self._down_since, self.trouble = None, ""
                        elif self._down_since is None:
                            self._stopped("the server sends no WAL")
                        await asyncio.sleep(1)
            except BackupError as error:
                self._stopped(str(error))
            await asyncio.sleep(1)


async def known(folder: Folder, connection: Any) -> None:
    """Raise OtherDatabase where the backups are of another one: a new and empty one must not push out those of the old.
    The first that is seen is the one."""
    identifier = str(await connection.fetchval("SELECT system_identifier FROM pg_control_system()"))
    place = folder.path / ".system"
    if not place.exists():
        fresh = place.with_name(".system.new")
        fresh.write_text(f"{identifier}\n", encoding="utf-8")
        fresh.replace(place)  # at once: half a name would be another database's
    elif (theirs := place.read_text(encoding="utf-8").strip()) != identifier:
        raise OtherDatabase(
            f"the backups in {folder.path} are of another database (system {theirs}, this one is {identifier}): none "
            "is made, so that theirs stay; restore one, or begin anew with `python -m target.backup begin-anew`"
        )


def begin_anew(folder: Folder) -> Path:
    """Put all that is there into a folder of its own, for the backups of another database."""
    place = folder.path / ".system"
    theirs = place.read_text(encoding="utf-8").strip() if place.exists() else "unknown"
    aside = folder.path / f"of-{theirs}-{now_text().replace(':', '')}"
    aside.mkdir()
    for one in ("logical", "physical", "wal", folder.points_file.name, ".system", folder.verified_file.name):
        if (folder.path / one).exists():
            (folder.path / one).rename(aside / one)
    folder.make()
    return aside
