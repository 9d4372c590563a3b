"""manifest.json of a backup: what was true of it when it was made. Reads it, and says in a sentence what is wrong with
it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAME = "manifest.json"
SCHEMA = 1
BYTES_MAX = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """As the file says it; what it does not say is empty. `tables` are name to (rows, hash); `files` path to (bytes,
    sha256); `invariants` are (name, sql, result)."""

    kind: str
    format: str = ""
    server_version: str = ""
    database: str = ""
    lsn: str = ""
    timeline: int = 0
    target: str = ""
    wal: str = ""
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    heartbeat: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, tuple[int, str]] | None = None
    sequences: Mapping[str, int] | None = None
    schema_hash: str = ""
    schema_facts: Mapping[str, Mapping[str, str]] | None = None
    large_objects: tuple[int, str] | None = None
    invariants: tuple[tuple[str, str, str], ...] = ()
    started_at: str = ""
    finished_at: str = ""


class ManifestError(ValueError):
    """A manifest that is not one. `newer` tells one of a schema that is not known here."""

    def __init__(self, sentence: str, newer: bool = False) -> None:
        super().__init__(sentence)
        self.newer = newer


def read(path: Path) -> Manifest:
    """Raises ManifestError with a sentence."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise ManifestError(f"{path.name} is larger than any manifest is ({path.stat().st_size} bytes)")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestError(f"{path.name} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path.name} is not UTF-8: {error.reason} at byte {error.start}") from error
    return parse(text, path.name)


def parse(text: str, name: str = NAME) -> Manifest:
    """The same, of its text."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{name} is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ManifestError(f"{name} is not a JSON object")
    schema = body.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise ManifestError(f"{name} is of schema {schema!r}; known here is {SCHEMA}", newer=_is_newer(schema))
    if body.get("kind") not in ("logical", "physical"):
        raise ManifestError(f"{name} says kind {body.get('kind')!r}; allowed: logical, physical")
    try:
        return _manifest(body)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ManifestError(f"{name} does not fit schema {SCHEMA}: {type(error).__name__}: {error}") from error


def _is_newer(schema: Any) -> bool:
    return isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA


def _manifest(body: Mapping[str, Any]) -> Manifest:
    large, facts = body.get("large_objects"), body.get("schema_facts")
    return Manifest(
        kind=body["kind"],
        format=_text(body, "format"),
        server_version=_text(body, "server_version"),
        database=_text(body, "database"),
        lsn=_text(body, "lsn"),
        timeline=int(body.get("timeline") or 0),
        target=str((body.get("target") or {}).get("name", "")),
        wal=_text(body, "wal"),
        files={str(k): (int(v["bytes"]), str(v["sha256"])) for k, v in (body.get("files") or {}).items()},
        heartbeat={str(k): str(v) for k, v in (body.get("heartbeat") or {}).items()},
        tables=_counted(body.get("tables")),
        sequences=None
        if body.get("sequences") is None
        else {str(k): int(v or 0) for k, v in body["sequences"].items()},
        schema_hash=_text(body, "schema_hash"),
        schema_facts=None
        if facts is None
        else {str(kind): {str(k): str(v) for k, v in some.items()} for kind, some in facts.items()},
        large_objects=None if large is None else (int(large["count"]), str(large["hash"])),
        invariants=tuple(
            (str(v["name"]), str(v["sql"]), "" if v["result"] is None else str(v["result"]))
            for v in body.get("invariants") or ()
        ),
        started_at=_text(body, "started_at"),
        finished_at=_text(body, "finished_at"),
    )


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a string, and is {value!r}")
    return value or ""


def _counted(some: Any) -> dict[str, tuple[int, str]] | None:
    return None if some is None else {str(k): (int(v["rows"]), str(v["hash"])) for k, v in some.items()}
