"""The evidence of a drill: what its run left behind, by hash in the signed record.

What is made from it (the page, its pictures) is none: it can be built again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from harness.drill.records.proving import Problem
from harness.drill.records.sealed import DRILL, Record
from harness.errors import RecordError

FILES = (
    *("manifest.json", "marks.jsonl", "samples.arrow", "taps.arrow", "resources.arrow", "notices.jsonl"),
    *("accounts.jsonl", "writes.jsonl", "found.json", "runbook.json"),
)
"""Those of a run folder that are evidence, where they are there; and all that steps kept, below `evidence/`."""
KEPT = "evidence"


def of(run: Path) -> dict[str, str]:
    """SHA-256, in hex, of each file of a run folder that is evidence, by its path in there. Raises RecordError."""
    kept = sorted(one for one in (run / KEPT).rglob("*") if one.is_file() and not one.is_symlink())
    paths = [*(run / name for name in FILES if (run / name).is_file()), *kept]
    return {path.relative_to(run).as_posix(): sha256_of(path) for path in paths}


def problems(folder: Path, records: Iterable[Record]) -> tuple[list[Problem], list[str]]:
    """(evidence that is not as it was when its drill was recorded, in the order of the chain; what to note of it)."""
    found: list[Problem] = []
    absent: list[str] = []
    for record in records:
        hashes = record.body.get("evidence")
        run = folder / str(record.body.get("folder"))
        if record.kind != DRILL or not isinstance(hashes, dict) or not hashes:
            continue
        if not run.is_dir():
            absent.append(str(record.seq))
            continue
        for name, signed in hashes.items():
            if why := _touched(run, name, signed):
                place = (run / name).as_posix()
                found.append(Problem(place, f"{place}, evidence of record {record.seq}, {why}", record.seq))
    runs = f"the run of record {absent[0]} is" if len(absent) == 1 else f"the runs of records {', '.join(absent)} are"
    return found, [f"{runs} not here: nobody looked at that evidence"] if absent else []


def _touched(run: Path, name: str, signed: object) -> str:
    """What became of one file, "" where it is as it was."""
    path = run / name
    if not path.resolve().is_relative_to(run.resolve()):
        return "leads out of its run"
    if not path.is_file():
        return "is gone"
    try:
        return "" if sha256_of(path) == signed else "was changed after the drill was recorded"
    except RecordError as error:
        return str(error)


def sha256_of(path: Path) -> str:
    """In hex, of a file's bytes. Raises RecordError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from None
