"""Makes a logical backup with its manifest, and writes the manifest of a backup that somebody else made.

What the manifest says is read in the very snapshot that pg_dump gets, so that both tell of one instant.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.backup import facts, programs
from harness.backup.dsn import without_password
from harness.backup.files import listed, sha256
from harness.backup.manifest import NAME, SCHEMA
from harness.backup.recognise import recognise
from harness.backup.running import Bad, Deadline, NotJudged, OutOfTime, run
from harness.backup.schema import schema_facts, schema_hash
from harness.backup.session import QueryError, Session, identifier, literal
from harness.backup.shape import LOGICAL, PHYSICAL
from harness.errors import BackupError
from harness.stack.postgres import Account

OURSELVES = Account(None, None)
"""A user's own server is reached as the user."""
LOCK_MS, LOCK_TRIES = 100, 100
"""Who waits for a lock lets all writers wait behind it: for a moment only, and then again later."""
_MOMENT_LATER = ("55P03", "40P01")


@dataclass(frozen=True, slots=True)
class Source:
    """The server that is backed up: a connection string of libpq, "" for what the environment says."""

    dsn: str
    deadline: Deadline

    @property
    def where(self) -> tuple[str, ...]:
        dsn, _ = without_password(self.dsn)
        return ("-d", dsn) if dsn else ()

    @property
    def extra(self) -> dict[str, str]:
        _, password = without_password(self.dsn)
        given = {name: value for name, value in os.environ.items() if name.startswith("PG") and name != "PGOPTIONS"}
        return {**given, "PGPASSWORD": password} if password else given

    def session(self, bin_folder: Path) -> Session:
        return Session(bin_folder, self.where, self.deadline, extra=self.extra, who=OURSELVES)

    def newest(self) -> Path:
        """The newest client programs that are here."""
        there = programs.installed()
        if not there:
            programs.find(programs.NEWEST)
        return there[max(there)]


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def beat(source: Source) -> str:
    """Write the heartbeat of now into the source, and make its table where there is none; the time. Raises
    BackupError."""
    try:
        with source.session(source.newest()) as session:
            session.query(facts.HEARTBEAT_TABLE)
            return str(
                session.value(
                    f"INSERT INTO public.{facts.HEARTBEAT} AS h (id, at, nonce) "
                    "VALUES (1, clock_timestamp(), md5(random()::text || clock_timestamp()::text)) "
                    "ON CONFLICT (id) DO UPDATE SET at = excluded.at, nonce = excluded.nonce "
                    "RETURNING to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
                )
            )
    except (QueryError, OutOfTime, NotJudged) as error:
        raise BackupError(f"the heartbeat cannot be written: {error or 'out of time'}") from error


def make_logical(source: Source, backup: Path, invariants: Sequence[tuple[str, str]] = (), *options: str) -> Path:
    """pg_dump -Fc, pg_dumpall --globals-only (without passwords) and manifest.json in a new folder, its owner's alone.
    `options` are pg_dump's. Raises BackupError, and leaves no half behind."""
    if backup.exists():
        raise BackupError(f"{backup} is there already; a backup is made in a new folder")
    making = backup.with_name(f".making-{backup.name}")
    try:
        making.parent.mkdir(parents=True, exist_ok=True)
        making.mkdir(mode=0o700)
    except FileExistsError:
        raise BackupError(
            f"{making} is there: another one is being made, or was when it was killed; then take that folder away"
        ) from None
    except OSError as error:
        raise BackupError(f"{making} cannot be made: {error.strerror}") from error
    try:
        with source.session(source.newest()) as session:
            major = programs.major_of(str(session.value("SHOW server_version"))) or 0
        bin_folder = programs.find(major)
        with source.session(bin_folder) as session:
            body = _begin(session, _sequences(session), "logical", "custom", programs.version_of(bin_folder))
            dump = making / f"{_file_name(body['database'])}.dump"
            snapshot = f"--snapshot={session.snapshot}"
            _strict(source, [bin_folder / "pg_dump", "-w", "-Fc", snapshot, "-f", dump, *options, *source.where])
            globals_only: list[str | Path] = [bin_folder / "pg_dumpall", "-w", "--globals-only", "--no-role-passwords"]
            _strict(source, [*globals_only, "-f", making / "globals.sql", *source.where])
            body |= read_facts(session, invariants)
        _write(making, body)
        making.rename(backup)
    except (QueryError, Bad, NotJudged, OutOfTime, OSError) as error:
        raise BackupError(f"the backup cannot be made: {error or 'out of time'}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return backup


def _file_name(database: str) -> str:
    return "".join(one if one.isalnum() or one in "-_" else "_" for one in database) or "database"


def _strict(source: Source, command: Sequence[str | Path]) -> None:
    done = run(command, source.deadline, extra=source.extra, who=OURSELVES)
    if done.code != 0 or done.err.strip():
        raise Bad("dump", f"{Path(command[0]).name}: {done.first_error}")


def _sequences(session: Session) -> dict[str, int]:
    """They keep to no snapshot, so they are read before there is one."""
    return {one.name: one.floor for one in facts.sequences(session, with_reached=False)}


def _hold(session: Session) -> None:
    """A snapshot that others can share."""
    session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    session.snapshot = str(session.value("SELECT pg_catalog.pg_export_snapshot()"))


def _begin(session: Session, sequences: Mapping[str, int], kind: str, form: str, tool: str) -> dict[str, Any]:
    """In a snapshot, which is taken now where there is none; what a manifest begins with."""
    started = now_text()
    if not session.snapshot:
        _hold(session)
    return {
        "schema": SCHEMA,
        "kind": kind,
        "format": form,
        "started_at": started,
        "server_version": session.value("SHOW server_version"),
        "tool": f"pg_dump (PostgreSQL) {tool}",
        "database": session.value("SELECT pg_catalog.current_database()"),
        **_place(session),
        "sequences": dict(sequences),
    }


def _place(session: Session) -> dict[str, Any]:
    try:
        lsn = session.value(
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
        )
        found = session.value("SELECT pg_catalog.substr(pg_catalog.pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
    except QueryError:
        return {}
    return {"lsn": lsn, "timeline": int(found or "0", 16)}


def read_facts(session: Session, invariants: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """What a manifest says of the data, as the session sees it."""
    body: dict[str, Any] = {"tables": {}}
    for table in facts.tables(session):
        if not table.unlogged:
            rows, hashed = facts.count_and_hash(session, table)
            body["tables"][str(table)] = {"rows": rows, "hash": hashed}
    found = facts.heartbeat(session)
    if found is not None:
        body["heartbeat"] = {"at": found[0], "nonce": found[1]}
    count, hashed = facts.large_objects(session)
    body["large_objects"] = {"count": count, "hash": hashed}
    body["schema_facts"] = schema_facts(session)
    body["schema_hash"] = schema_hash(body["schema_facts"])
    body["invariants"] = [{"name": name, "sql": sql, "result": session.asked_apart(sql)} for name, sql in invariants]
    return body


def write_manifest(source: Source, backup: Path, invariants: Sequence[tuple[str, str]] = (), archive: str = "") -> Path:
    """Of a backup that is there: its files, and what is true of the source now, so nothing must have been written
    since.

    A physical one with an archive of WAL gets a restore point, at which the facts are read while nobody can write.
    Raises BackupError.
    """
    try:
        shape = recognise(backup)
        folder = backup if backup.is_dir() else backup.parent
        into = folder if not backup.is_dir() or folder == shape.main.parent else shape.main
        if (into / NAME).exists():
            raise BackupError(
                f"{into} has a manifest already: what was true when it was made is not written over with what is true "
                "now; a dump that is another's neighbour needs a folder of its own"
            )
        with source.session(source.newest()) as session:
            if shape.kind == LOGICAL:
                body = _begin(session, _sequences(session), LOGICAL, shape.format, shape.tool)
                body |= read_facts(session, invariants)
                return _write(folder, body, only=None if backup.is_dir() else backup.name)
            body = _physical(source, session, invariants, archive)
        return _write(into, body)
    except Bad as bad:
        raise BackupError(f"{backup} cannot be recognised as a backup: {bad}") from bad
    except (QueryError, NotJudged, OutOfTime, OSError) as error:
        raise BackupError(f"the manifest cannot be written: {error or 'out of time'}") from error


def _physical(source: Source, session: Session, invariants: Sequence[tuple[str, str]], archive: str) -> dict[str, Any]:
    """The facts at a restore point, while tables are locked; without an archive nobody can restore up to it, and the
    manifest tells of the files only."""
    if not archive:
        body = _begin(session, {}, PHYSICAL, "basebackup", "")
        body.pop("sequences")
        return {**body, "tool": "pg_basebackup"}
    name = f"backup-{datetime.now(UTC).strftime('%Y%m%dT%H%M%SZ')}"
    sequences = _sequences(session)
    with source.session(source.newest()) as holder:
        _let_nobody_write(holder)
        _hold(session)
        at = holder.value(f"SELECT pg_catalog.pg_create_restore_point({literal(name)})")
        holder.query("COMMIT")
        holder.query(
            "SELECT pg_catalog.pg_logical_emit_message(true, 'harness', 'flush')"
        )  # a point alone waits for it
    body = _begin(session, sequences, PHYSICAL, "basebackup", "")
    body |= {"tool": "pg_basebackup", "target": {"name": name}, "lsn": at, "wal": archive}
    return {**body, **read_facts(session, invariants)}


def _let_nobody_write(holder: Session) -> None:
    """In a transaction that was begun; raises BackupError where somebody writes on and on."""
    for _ in range(LOCK_TRIES):
        names = ", ".join(identifier(one.schema, one.name) for one in facts.tables(holder))
        holder.query("BEGIN")
        holder.query(f"SET LOCAL lock_timeout = {LOCK_MS}")
        try:
            if names:
                holder.query(f"LOCK TABLE {names} IN SHARE MODE")
            return
        except QueryError as error:
            if error.sqlstate not in _MOMENT_LATER:
                raise
            holder.query("ROLLBACK")
            holder.query(f"SELECT pg_catalog.pg_sleep({LOCK_MS / 1000})")
    raise BackupError("a transaction of somebody else's goes on and on: no moment came in which nobody wrote")


def _write(folder: Path, body: Mapping[str, Any], only: str | None = None) -> Path:
    found = listed(folder) if only is None else {only: (folder.joinpath(only).stat().st_size, sha256(folder / only))}
    files = {name: {"bytes": size, "sha256": digest} for name, (size, digest) in found.items()}
    path = folder / NAME
    fresh = folder / f".{NAME}"
    fresh.write_text(json.dumps({**body, "finished_at": now_text(), "files": files}, indent=1), encoding="utf-8")
    fresh.replace(path)
    return path
