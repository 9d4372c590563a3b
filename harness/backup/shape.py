"""What a backup is, as far as looking at it tells: its kind, its format, its files, the version that made it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CUSTOM, DIRECTORY, TAR, PLAIN, CLUSTER = "custom", "directory", "tar", "plain", "plain of all databases"
BASE, BASE_TAR = "basebackup", "basebackup tar"
LOGICAL, PHYSICAL = "logical", "physical"


@dataclass(frozen=True, slots=True)
class Shape:
    """`main` is the dump (a file, or the folder of -Fd) or the folder of the base backup. `globals_sql` is a dump of
    roles beside it. `server` and `tool` are versions, "" where it does not say. `database` is the name that the dump
    tells."""

    kind: str
    format: str
    main: Path
    server: str = ""
    tool: str = ""
    database: str = ""
    globals_sql: Path | None = None
    manifest: Path | None = None
    compression: str = ""
