"""Restores a logical backup into the database of DATABASE_URL, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from target.backup import facts
from target.backup.folder import Backup, BackupError, Folder, read_backup
from target.backup.programs import access, programs, run
from target.backup.restore import damage_of
from target.backup.take import NAME, connected
from target.settings import Settings

RESTORE_WITHIN_S = 600.0


async def restore_logical(
    folder: Folder, chosen: str, settings: Settings, say: Callable[[str], None], *, instead: bool
) -> None:
    """`instead`: of what is there. Raises BackupError."""
    with folder.in_use():
        await _restore(folder, chosen, settings, say, instead)


async def _restore(folder: Folder, chosen: str, settings: Settings, say: Callable[[str], None], instead: bool) -> None:
    backup = _chosen(folder, chosen, say)
    url = urlsplit(settings.database_url)
    name = unquote(url.path.lstrip("/"))
    server = replace(settings, database_url=url._replace(path="/postgres").geturl())
    async with connected(server) as connection:
        version = int(await connection.fetchval("SELECT current_setting('server_version_num')::int")) // 10000
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {facts.quoted(name)}")
    async with connected(settings) as connection:
        there = [f"{schema}.{table}" for schema, table in await facts.tables(connection)]
    if there and not instead:
        raise BackupError(
            f"{name} is not empty: it holds {', '.join(there[:3])}{' and more' if len(there) > 3 else ''}; add "
            "--instead to put the backup in its place: what is there is lost then"
        )
    tools = _tools(backup, version)
    command: list[str | Path] = [tools / "pg_restore", "--dbname", name, "--single-transaction", "--exit-on-error"]
    command += ["--clean", "--if-exists"] if instead else []
    await run([*command, backup.path / "shop.dump"], access(settings.database_url, NAME), RESTORE_WITHIN_S)
    say(f"{backup.path} is in {name}, as of {(backup.manifest.get('heartbeat') or {}).get('at', 'its time')}")


def _chosen(folder: Folder, chosen: str, say: Callable[[str], None]) -> Backup:
    if chosen != "latest":
        one = read_backup(Path(chosen))
        if one is None or one.kind != "logical":
            raise BackupError(f"{chosen} is no whole logical backup: it needs a manifest.json of that kind")
        candidates = [one]
    else:
        candidates = folder.backups("logical")
    for backup in candidates:
        damage = damage_of(backup)
        if not damage:
            return backup
        say(f"{backup.name} is damaged ({damage})")
    raise BackupError(f"there is no whole logical backup in {folder.path}")


def _tools(backup: Backup, version: int) -> Path:
    """No older than what made the dump."""
    made_by = str(backup.manifest.get("tool", "")).rpartition(" ")[2].split(".")[0]
    return programs(max(version, int(made_by) if made_by.isdecimal() else 0))
