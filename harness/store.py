"""Run folders: where each file of a run lives, how a new folder is made, how an old one is found again.

A run folder is the seam of the design: what runs write on one side, what checks and reports read on the other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import RunFolderError


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`reports/<scenario>/<utc>/`, and the names of the files in it."""

    path: Path

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def stack(self) -> Path:
        return self.path / "stack.json"

    @property
    def marks(self) -> Path:
        return self.path / "marks.jsonl"

    @property
    def samples(self) -> Path:
        return self.path / "samples.arrow"

    @property
    def resources(self) -> Path:
        return self.path / "resources.arrow"

    @property
    def taps(self) -> Path:
        return self.path / "taps.arrow"

    @property
    def notices(self) -> Path:
        return self.path / "notices.jsonl"

    @property
    def accounts(self) -> Path:
        return self.path / "accounts.jsonl"

    @property
    def verdicts(self) -> Path:
        return self.path / "verdicts.json"

    @property
    def findings(self) -> Path:
        return self.path / "findings.json"

    @property
    def charts(self) -> Path:
        return self.path / "charts"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def junit(self) -> Path:
        return self.path / "junit.xml"

    @property
    def summary(self) -> Path:
        return self.path / "summary.md"


def create(reports: Path, scenario: str, *, now: datetime | None = None) -> RunFolder:
    """Make a new run folder, and let `latest` beside it point there. Raises RunFolderError where that cannot be."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    parent = reports / scenario
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(100):
            path = parent / (stamp if attempt == 0 else f"{stamp}-{attempt + 1}")
            try:
                path.mkdir()
                break
            except FileExistsError:
                continue
        else:
            raise RunFolderError(f"{parent} holds 100 runs of {stamp} already; wait a second and run again")
        (path / "logs").mkdir()
        fresh = parent / f".latest-{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(path.name)
        fresh.replace(parent / "latest")
    except OSError as error:
        raise RunFolderError(
            f"cannot write the run folder under {reports}: {error.strerror or error}; "
            "free space or permissions there, or give another place with --reports"
        ) from error
    return RunFolder(path.resolve())


def find(path: Path, *, started: bool = False) -> RunFolder:
    """The run folder at `path`, or the latest one below it (`reports/<scenario>`). Raises RunFolderError.

    A run that could not start is the latest, too, and has nothing to show; where it is `started` that is asked for,
    the newest beside it that has is found.
    """
    candidates = [path, path / "latest"]
    if started and path.name == "latest":
        candidates += _newest_first(path.parent)
    elif started and (path / "latest").is_symlink():
        candidates += _newest_first(path)
    for candidate in candidates:
        if (candidate / "manifest.json").is_file():
            return RunFolder(candidate.resolve())
    what = "has no manifest.json" if path.is_dir() else "is not a folder"
    raise RunFolderError(f"{path} {what}, so it is no run folder; give one such as reports/<scenario>/latest")


def _newest_first(parent: Path) -> list[Path]:
    """The run folders of a scenario. Of two that were made in one second the one with the higher number is newer."""
    found = [one for one in parent.glob("*") if one.is_dir() and not one.is_symlink()]

    def age(one: Path) -> tuple[str, int]:
        stamp, _, number = one.name.partition("-")
        return stamp, int(number) if number.isdigit() else 1

    return sorted(found, key=age, reverse=True)


def write_json(path: Path, value: Mapping[str, Any] | list[Any]) -> None:
    """Write `value` as JSON in one atomic step, so that a crash leaves the old file or the new one."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` in one atomic step. Raises RunFolderError when the disk will not take it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise RunFolderError(f"cannot write {path}: {error.strerror or error}; free space and run again") from error


def read_json(path: Path) -> Any:
    """Read JSON. Raises RunFolderError when the file is missing or was cut short."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunFolderError(f"{path} is missing; the run folder is not whole, run the scenario again") from error
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path} cannot be read ({error}); the run folder was damaged or cut short") from error
