"""The backup service on a real PostgreSQL: what was there is there again, and what is weak shows."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from harness.stack.launch import Launch
from harness.stack.ports import free_ports
from harness.stack.postgres import Postgres
from harness.waiting import wait_until
from target.backup import facts
from target.backup.folder import Backup, Folder, read_backup
from target.backup.programs import installed
from target.backup.take import Taker
from target.settings import Settings
from tests.target.running import LOOPBACK, READY_WITHIN_S, ROOT, SHOP, Database, running_service
from tests.target.telling import Receiver

pytestmark = pytest.mark.integration
WITHIN_S = 20


@dataclass
class Shop:
    """A database that may be lost, and who backs it up."""

    database: Database
    server: Postgres
    launch: Launch
    data: Path
    backups: Path
    url: str = ""

    @property
    def folder(self) -> Folder:
        return Folder(self.backups)

    @property
    def settings(self) -> Settings:
        return Settings(database_url=self.database.url, backups=self.backups)

    def status(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.url}/status", timeout=10, trust_env=False).json())

    def do(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`python -m target.backup` with these words."""
        told = {"DATABASE_URL": self.database.url, "BACKUPS": str(self.backups), "DATABASE_FOLDER": str(self.data)}
        return subprocess.run(
            [sys.executable, "-m", "target.backup", *words],
            **{"cwd": ROOT, "env": {**os.environ, **told, **more}, "capture_output": True, "text": True, "timeout": 60},
        )

    def start_again(self) -> None:
        """It answers before it has recovered to the end."""
        self.database = replace(self.database, process=self.launch.begin())
        assert wait_until(self.server.ready, READY_WITHIN_S)
        is_there = "SELECT NOT pg_is_in_recovery()"
        assert wait_until(lambda: asyncio.run(self.database.value(is_there)), READY_WITHIN_S)

    def read(self, url: str) -> dict[str, Any]:
        """The facts of a database."""

        async def ask() -> dict[str, Any]:
            connection = await asyncpg.connect(url)
            await facts.prepare(connection)
            try:
                return await facts.read(connection)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def execute(self, statement: str) -> None:
        asyncio.run(self.database.execute(statement))

    def take(self, *weakness: str, times: int = 1) -> list[Backup]:
        """Dumps, one after another, by a service with that weakness; a row more before each."""

        async def all_of_them() -> list[Backup]:
            taker = Taker(self.folder, replace(self.settings, weakness=frozenset(weakness)))
            made = []
            for _ in range(times):
                await self.database.execute("INSERT INTO things (name) VALUES ('one more')")
                made.append(await taker.take("logical"))
            return made

        return asyncio.run(all_of_them())


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shop(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Backed up once, with the WAL that follows; what it backs up is lost in the last test."""
    with tempfile.TemporaryDirectory(prefix="shop-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (port,) = free_ports(1)
        server = Postgres("postgres", folder, port, SHOP, folder / "log")
        launch = server.launch(folder / "data")
        process = launch.begin()
        made: Shop | None = None
        try:
            assert wait_until(server.ready, READY_WITHIN_S)
            server.create_database()
            database = Database(f"postgresql://shop:shop@{LOOPBACK}:{port}/shop", process)
            made = Shop(database, server, launch, folder / "data", tmp_path_factory.mktemp("backups"))
            made.execute("CREATE TABLE things (id bigserial PRIMARY KEY, name text, at timestamptz DEFAULT now())")
            made.execute("INSERT INTO things (name) SELECT 'thing ' || i FROM generate_series(1, 100) i")
            told = {"DATABASE_URL": database.url, "BACKUPS": str(made.backups), "ALERT_WEBHOOK_URL": receiver.url}
            log = tmp_path_factory.mktemp("log") / "backup"
            with running_service("backup", log, {**told, "BACKUP_EVERY_S": "86400"}) as (url, _):
                made.url = url
                assert made.do("take").returncode == 0
                assert wait_until(lambda: made.status()["newest"]["physical"] is not None, WITHIN_S), made.status()
                yield made
            assert "Traceback" not in log.read_text(encoding="utf-8")
        finally:
            (made.database.process if made else process).end()


def test_a_dump_holds_what_its_manifest_says(shop: Shop):
    """Restored into a database that is not there yet, every table has the rows and the hash of the manifest."""
    (backup,) = shop.take()
    other = shop.database.url.removesuffix("shop") + "other"
    done = shop.do("restore", "--logical", "--from", str(backup.path), DATABASE_URL=other)
    assert done.returncode == 0, done.stderr
    found = shop.read(other)
    assert found["tables"] == backup.manifest["tables"]
    assert found["tables"]["public.things"]["rows"] > 100
    assert found["heartbeat"] == backup.manifest["heartbeat"]
    assert backup.manifest["sequences"]["public.things_id_seq"] > 100
    again = shop.do("restore", "--logical", DATABASE_URL=other)
    assert again.returncode == 1
    assert "other is not empty: it holds public.alerts, public.harness_heartbeat" in again.stderr
    assert shop.do("restore", "--logical", "--instead", DATABASE_URL=other).returncode == 0


def test_facts_do_not_depend_on_order_and_tell_every_row(shop: Shop):
    """Written anew they are the same; with one value changed, or two rows that are alike, they are not."""
    before = shop.read(shop.database.url)["tables"]["public.things"]
    shop.execute("UPDATE things SET id = id WHERE id % 2 = 0")
    assert shop.read(shop.database.url)["tables"]["public.things"] == before
    shop.execute("CREATE TABLE twice AS SELECT 1 AS one UNION ALL SELECT 1")
    twice = shop.read(shop.database.url)["tables"]["public.twice"]
    shop.execute("UPDATE twice SET one = 2")
    changed = shop.read(shop.database.url)["tables"]["public.twice"]
    shop.execute("DROP TABLE twice")
    assert twice["rows"] == changed["rows"] == 2
    assert twice["hash"] != changed["hash"]
    assert twice["hash"] != "0"


def test_weak_dumps_are_old_or_a_half(shop: Shop):
    """The planted weaknesses backup-stale, replica-behind and backup-half, each beside the sound one."""
    rows = {
        name: [one.manifest["tables"]["public.things"]["rows"] for one in shop.take(*weakness, times=2)]
        for name, weakness in {"sound": (), "stale": ("backup-stale",), "behind": ("replica-behind",)}.items()
    }
    assert rows["sound"][1] == rows["sound"][0] + 1
    assert rows["stale"] == [rows["sound"][1]] * 2
    assert rows["behind"][0] == rows["behind"][1] > rows["stale"][0]
    (half,) = shop.take("backup-half")
    tools = next(iter(installed().values()))
    command = [tools / "pg_restore", "--file", "/dev/null", half.path / "shop.dump"]
    assert subprocess.run(command, capture_output=True, timeout=30).returncode != 0
    shop.take()


def test_what_is_asked_for_is_taken_and_a_folder_in_use_is_refused(shop: Shop):
    """By the words of an operator; while the server answers nothing is restored."""
    taken = shop.do("take", "--kind", "physical")
    assert taken.returncode == 0, taken.stderr
    assert read_backup(Path(taken.stdout.strip()), "physical") is not None
    assert shop.do("latest").stdout == taken.stdout
    assert json.loads(shop.do("status").stdout)["backups"]["physical"][0] == Path(taken.stdout.strip()).name
    refused = shop.do("restore")
    assert refused.returncode == 1
    assert "the database server still runs and answers; stop it" in refused.stderr


def test_what_is_lost_is_there_again_up_to_the_last_second(shop: Shop, receiver: Receiver):
    """All that was written before the last restore point, on a timeline of its own that says so; the alert of the
    silence is over then, and the WAL is received on."""
    shop.execute("INSERT INTO things (name) VALUES ('the last')")
    written = shop.read(shop.database.url)
    wait = shop.status()["point"]["name"]
    assert wait_until(lambda: shop.status()["point"]["name"] > wait, WITHIN_S)
    assert wait_until(lambda: next(shop.folder.points()).name > wait, WITHIN_S)
    shop.database.process.id.signal_group(9)  # type: ignore[arg-type]
    shop.database.process.end()
    subprocess.run(["rm", "-rf", *shop.data.iterdir()], check=True, timeout=30)
    assert receiver.is_told("BackupFailed", "firing", WITHIN_S)
    done = shop.do("restore")
    assert done.returncode == 0, done.stderr
    shop.start_again()
    found = shop.read(shop.database.url)
    assert found["tables"]["public.things"] == written["tables"]["public.things"]
    assert found["heartbeat"]["at"] >= written["heartbeat"]["at"]
    history = asyncio.run(shop.database.value("SELECT pg_read_file('pg_wal/00000002.history')"))
    assert "at restore point" in history
    assert receiver.is_told("BackupFailed", "resolved", WITHIN_S)
    assert wait_until(lambda: next(shop.folder.points()).timeline == 2, WITHIN_S)
    assert shop.do("take").returncode == 0
    assert set(receiver.told().values()) == {1}
