"""Chains of records for tests: made by the harness with a key of their own."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from harness.drill.records import chain

QUIET = {"say": lambda sentence: None}
_RUNS = itertools.count(1)


def body(drill: str = "database-loss", **changed: Any) -> dict[str, Any]:
    """A drill as docs/drill-record.schema.json has it; it passed on 1 September 2026. Each is another."""
    step = {"id": "restore", "section": "procedure", "phase": "restore", "word": "pass", "sentence": "exit 0"}
    return {
        "id": f"{drill}/20260901T101500Z-{next(_RUNS)}",
        "drill": drill,
        "objective": "The data is back within 120 s, and no write of the last 5 s before is missing.",
        "scope": "the shop: api and its PostgreSQL",
        "exclusions": [],
        "environment": {"stack": "embedded", "images": {}, "versions": {"harness": "0.1.0"}, "commit": None},
        "objectives": {"rpo_s": 5.0, "rto_s": 120.0},
        "actual": {"rpo_s": 0.8, "rto_s": 41.25, "phases": {"detect": 4.5, "decide": 0.2, "restore": 30.1}},
        "writes": {"kept": 812, "lost": 3, "duplicated": 0, "phantom": 0, "unknown": 40},
        "timeline": [{"at_utc": "2026-09-01T10:15:20Z", "at_s": 8.0, "what": "the data was deleted"}],
        "participants": {"incident commander": "ana"},
        "runbook": {
            "runbook": "postgres-down",
            "version": "ab" * 32,
            "failed_at": "",
            "rolled_back": False,
            "steps": [{**step, "took_s": 12.25, "executed": True, "answer": ""}],
        },
        "checks": [{"name": "rto", "word": "pass", "sentence": "41 s of 120 s"}],
        "deviations": [],
        "observations": ["the pool took 3 s to come back"],
        "verdict": {"word": "pass", "sentence": "recovered in 41 s", "step": None},
        "folder": f"{drill}/20260901T101500Z",
        "evidence": {},
        "started_at": "2026-09-01T10:15:00Z",
        "ended_at": "2026-09-01T10:17:00Z",
        "aborted": False,
        **changed,
    }


def failed(drill: str = "database-loss", **changed: Any) -> dict[str, Any]:
    return body(drill, verdict={"word": "fail", "sentence": "the restore failed", "step": "restore"}, **changed)


def grow(folder: Path, count: int) -> Path:
    """Appends `count` drills, and gives the folder back."""
    for _ in range(count):
        chain.append(folder, "drill", body(), **QUIET)
    return folder


def file_of(folder: Path, seq: int) -> Path:
    return folder / "records" / f"{seq:06d}.json"
