"""The manifest of a good backup: the facts of the very moment that the backup is of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.backup import facts
from harness.backup.killrate.source import BEAT_AT, DATABASE, RULES
from harness.backup.making import read_facts
from harness.backup.mutants.server import Server
from harness.backup.session import Session

NAME = "manifest.json"


@dataclass(slots=True)
class Stated:
    """Facts that were read; `snapshot` is where a dump must read too."""

    kind: str
    facts: Mapping[str, Any]
    snapshot: str = ""
    target: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path, server: Server, form: str, wal: str = "") -> None:
        """Write the manifest of all that is in the folder now."""
        version = server.sql("SHOW server_version", DATABASE).split()[0]
        at = BEAT_AT.isoformat().replace("+00:00", "Z")
        body = {
            "schema": 1,
            "kind": self.kind,
            "format": form,
            "started_at": at,
            "finished_at": at,
            "server_version": version,
            "tool": f"{'pg_dump' if self.kind == 'logical' else 'pg_basebackup'} (PostgreSQL) {version}",
            "database": DATABASE,
            **({"target": {"name": self.target}} if self.target else {}),
            **({"wal": wal} if wal else {}),
            **self.facts,
            "files": {
                path.relative_to(folder).as_posix(): _sum(path) for path in sorted(folder.rglob("*")) if path.is_file()
            },
        }
        (folder / NAME).write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def _sum(path: Path) -> Mapping[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def state_logical(session: Session) -> Stated:
    """Read the facts, and keep the snapshot open in the session. Sequences first: they keep to none."""
    sequences = _sequences(session)
    session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    snapshot = str(session.value("SELECT pg_catalog.pg_export_snapshot()"))
    return Stated("logical", {**_facts(session), "sequences": sequences}, snapshot)


def state_physical(session: Session, target: str) -> Stated:
    """Read the facts of a server that nobody writes to, at a restore point where one is named."""
    sequences = _sequences(session)
    if target:
        session.query(f"SELECT pg_catalog.pg_create_restore_point('{target}')")
    return Stated("physical", {**_facts(session), "sequences": sequences}, target=target)


def _sequences(session: Session) -> dict[str, int]:
    return {one.name: one.at for one in facts.sequences(session, with_reached=False)}


def _facts(session: Session) -> dict[str, Any]:
    lsn = session.value("SELECT pg_catalog.pg_current_wal_lsn()")
    return {"lsn": lsn, "timeline": 1, **read_facts(session, RULES)}
