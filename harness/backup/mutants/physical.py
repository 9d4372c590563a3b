"""A base backup brought up to its target, and made of it again in the same form."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

from harness.backup import programs
from harness.backup.mutants.parts import Parts
from harness.backup.mutants.server import PATIENCE_S, SUPERUSER, Server, put_into_place
from harness.backup.mutants.sums import rewrite
from harness.errors import MutationError
from harness.waiting import wait_until

IMMEDIATE = "immediate"


def major_of(parts: Parts) -> int:
    """The version of the server that was copied. Raises MutationError where nothing says it."""
    text = ""
    if parts.format == "basebackup-tar":
        with tarfile.open(_tar(parts, "base")) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name.removeprefix("./") == "PG_VERSION" else None
                if file:
                    text = file.read().decode()
                    break
    elif (parts.data / "PG_VERSION").is_file():
        text = (parts.data / "PG_VERSION").read_text(encoding="utf-8", errors="replace")
    major = programs.major_of(text)
    if major is None:
        raise MutationError(f"{parts.data} does not say which version it is of")
    return major


def _tar(parts: Parts, name: str) -> Path:
    found = sorted(parts.data.glob(f"{name}.tar*"))
    if not found:
        raise MutationError(f"{parts.data} has no {name}.tar")
    return found[0]


def target_of(parts: Parts) -> str:
    """The name of the restore point, IMMEDIATE without one."""
    target = parts.facts().get("target")
    name = target.get("name", "") if isinstance(target, dict) else ""
    return str(name) or IMMEDIATE


def unpack(server: Server, parts: Parts) -> None:
    """The base backup as the server's data folder."""
    if parts.format == "basebackup-tar":
        for archive, to in ((_tar(parts, "base"), server.data), *_own_wal(server, parts)):
            to.mkdir(mode=0o700, exist_ok=True)
            with tarfile.open(archive) as packed:
                packed.extractall(to, filter="data")
    else:
        shutil.copytree(parts.data, server.data, symlinks=True)
    (server.data / "pg_wal").mkdir(mode=0o700, exist_ok=True)
    server.data.chmod(0o700)
    server.own(server.data, *server.data.rglob("*"))


def _own_wal(server: Server, parts: Parts) -> list[tuple[Path, Path]]:
    found = sorted(parts.data.glob("pg_wal.tar*"))
    return [(found[0], server.data / "pg_wal")] if found else []


def bring_up(server: Server, parts: Parts) -> str:
    """Recover to the target and become a server of its own, stopped cleanly after; the name of the database."""
    unpack(server, parts)
    wal = server.folder / "archive"
    wal.mkdir()
    for path in parts.wal.iterdir() if parts.wal else ():
        shutil.copyfile(path, wal / path.name)
    server.own(wal, *wal.iterdir())
    signal = server.data / "recovery.signal"
    signal.touch()
    server.own(signal)
    target = target_of(parts)
    settings = {
        "restore_command": f'cp "{wal}/%f" "%p"',
        "recovery_target" if target == IMMEDIATE else "recovery_target_name": target,
        "recovery_target_timeline": "current",
        "recovery_target_action": "promote",
        "archive_mode": "off",
    }
    server.run_up(*(part for name, value in settings.items() for part in ("-c", f"{name}={value}")))
    server.user = _superuser(server)
    name = str(parts.facts().get("database", "")) or server.sql(
        "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname = 'postgres', datname LIMIT 1",
        "postgres",
    )
    server.stop()
    return name


def _superuser(server: Server) -> str:
    if server.tool("psql", "-X", "-d", "postgres", "-c", "SELECT 1").code == 0:
        return SUPERUSER
    server.stop()
    command: list[str | Path] = [server.bin / "postgres", "--single", "-D", server.data]
    command += ["-c", f"config_file={server.folder / 'empty.conf'}", "postgres"]
    said = server.must(command, given=b"SELECT rolname FROM pg_authid WHERE oid = 10\n").out
    found = re.findall(r'rolname = "([^"]+)"', said)
    if not found:
        raise MutationError("the base backup has no first superuser")
    server.run_up()
    return str(found[0])


def settings_of_source(server: Server, parts: Parts) -> tuple[str, ...]:
    """What the server must be told so that a base backup with an archive can be made of it."""
    if parts.wal is None:
        return ()
    archive = server.folder / "archive"
    archive.mkdir()
    server.own(archive)
    return ("-c", "archive_mode=on", "-c", f'archive_command=cp "%p" "{archive}/%f"')


def back_up(server: Server, parts: Parts) -> None:
    """A base backup again, in place of the copy's, with the WAL through the target."""
    made = server.folder / "made"
    packed = parts.format == "basebackup-tar"
    form = ["-Ft", *(["-z"] if packed and _tar(parts, "base").suffix == ".gz" else [])] if packed else ["-Fp"]
    streams = packed and not _own_wal(server, parts)
    own = "none" if streams else "stream"
    server.must_tool("pg_basebackup", "-D", made, *form, "-X", own, "-c", "fast", "--no-sync", "--no-verify-checksums")
    if parts.wal is not None:
        _archive(server, parts)
    put_into_place(made, parts.data)


def _archive(server: Server, parts: Parts) -> None:
    """End the archive with the restore point that the manifest names."""
    name, archive = target_of(parts), server.folder / "archive"
    lsn = server.sql("SELECT pg_switch_wal(); SELECT pg_logical_emit_message(false, 'm', 'm')", "postgres")
    if name != IMMEDIATE:
        lsn = server.sql(f"SELECT pg_create_restore_point('{name}')", "postgres")
    last = server.sql("SELECT pg_walfile_name(pg_switch_wal())", "postgres").splitlines()[-1]
    if not wait_until(lambda: (archive / last).is_file(), PATIENCE_S):
        raise MutationError("the changed server did not archive its WAL")
    server.sql("SELECT 1", "postgres")
    wait_until(lambda: server.sql("SELECT last_archived_wal FROM pg_stat_archiver", "postgres") >= last, PATIENCE_S)
    assert parts.wal is not None
    shutil.rmtree(parts.wal)
    shutil.copytree(archive, parts.wal)
    timeline = int(last[:8], 16)
    rewrite(parts, lsn=lsn.splitlines()[-1], timeline=timeline)
