"""What a verification is asked: the target of a physical restore, how fresh the data must be, where to work. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.errors import BackupError, one_of

TARGETS = ("name", "lsn", "time", "immediate")
WITHIN_S = 3600.0
_LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a physical restore ends: `kind` is one of TARGETS, `value` what PostgreSQL's setting recovery_target_KIND
    takes. `timeline` is current (that of the base backup), latest, or a number."""

    kind: str
    value: str = ""
    timeline: str = "current"

    def __post_init__(self) -> None:
        if self.kind not in TARGETS:
            raise BackupError(one_of("target", self.kind, TARGETS))
        if self.kind != "immediate" and (not self.value or any(ord(one) < 32 for one in self.value)):
            raise BackupError(f"a target {self.kind} needs its value, as in --target {self.kind}=...")
        if self.kind == "lsn" and not _LSN.fullmatch(self.value):
            raise BackupError(f"the target lsn is two hexadecimal numbers, as in 0/3000028; given {self.value!r}")
        if self.kind == "name" and len(self.value) > 63:
            raise BackupError(f"the name of a restore point has 63 characters at most; given {len(self.value)}")
        if self.kind == "time":
            try:
                datetime.fromisoformat(self.value)
            except ValueError:
                raise BackupError(
                    f"the target time is a time in ISO 8601, as in 2026-11-29T22:11:33+00:00; given {self.value!r}"
                ) from None

    @property
    def setting(self) -> str:
        """As PostgreSQL's recovery_target takes it, which knows no Z at the end of a time."""
        if self.kind == "time":
            return datetime.fromisoformat(self.value).isoformat(" ")
        return self.value or "immediate"

    def __str__(self) -> str:
        return self.kind if self.kind == "immediate" else f"{self.kind} {self.value}"


def read_target(text: str) -> Target:
    """As the command line takes it: `immediate`, `name=NAME`, `lsn=LSN`, `time=TIME`; TIMELINE may follow an @ at the
    end, as in lsn=0/3000028@2. Raises BackupError."""
    kind, has_value, value = text.partition("=")
    timeline = "current"
    if found := re.fullmatch(r"(.*)@(\d+|latest|current)", value if has_value else kind, re.DOTALL):
        timeline = found[2]
        kind, value = (kind, found[1]) if has_value else (found[1], "")
    return Target(kind, value, timeline)


@dataclass(frozen=True, slots=True)
class Options:
    """How one backup is verified.

    `wal` is the folder of archived WAL, `manifest` a manifest.json that lies elsewhere, `postgres` the bin folder of
    the PostgreSQL to restore into, `invariants` queries with what they must answer: (name, sql, expected). `max_age_s`:
    the newest heartbeat in the data may be no older. `scratch` is an empty folder to work in, else a temporary one.
    `database` is what a dump of several is judged by, where there is no manifest that says so.
    """

    wal: Path | None = None
    target: Target | None = None
    max_age_s: float | None = None
    manifest: Path | None = None
    postgres: Path | None = None
    invariants: tuple[tuple[str, str, str], ...] = ()
    within_s: float = WITHIN_S
    scratch: Path | None = None
    database: str = ""
