"""A folder of backups ($BACKUPS), and the note in it that says when one was last verified: the verifier's own
heartbeat."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.backup.manifest import NAME, ManifestError, read
from harness.backup.report import Report
from harness.errors import BackupError
from harness.record import Word

KINDS = ("logical", "physical")
NOTE = ".verified"
IN_USE = ".in-use"
"""Who takes old backups away waits for those that hold a shared lock on it."""
_NAME = re.compile(r"\d{8}T\d{6}(?:\.\d+)?Z\Z")


def latest(folder: Path, kind: str = "") -> Path:
    """The newest backup that is whole: renamed to its time, with a manifest that can be read. Raises BackupError."""
    if kind and kind not in KINDS:
        raise BackupError(f"unknown kind {kind!r}; allowed: {', '.join(KINDS)}")
    if not folder.is_dir():
        raise BackupError(f"there is no folder of backups at {folder}")
    found = [path for one in ((kind,) if kind else KINDS) for path in _of(folder / one)]
    for path in sorted(found, key=lambda one: one.name, reverse=True):
        try:
            read(path / NAME)
        except ManifestError:
            continue
        return path
    what = f"{kind} backup" if kind else "backup"
    raise BackupError(
        f"there is no whole {what} in {folder} yet; a backup is {folder}/{kind or 'logical'}/<time>/{NAME}"
    )


@contextlib.contextmanager
def in_use(backup: Path) -> Iterator[None]:
    """While a backup of a BACKUPS folder is read it is not taken away; of others nothing is held."""
    place = -1
    with contextlib.suppress(OSError):
        place = os.open(backup.resolve().parent.parent / IN_USE, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(place, fcntl.LOCK_SH | fcntl.LOCK_NB)
    try:
        yield
    finally:
        if place >= 0:
            os.close(place)


def _of(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir() and _NAME.match(one.name)] if folder.is_dir() else []


@dataclass(frozen=True, slots=True)
class Note:
    """The last verification: when it ended, of which backup, with which word. `passed` has, by kind, the name of the
    backup that passed last: who takes old ones away leaves it."""

    at: datetime
    backup: str
    word: str
    sentence: str
    passed: Mapping[str, str]


def write_note(folder: Path, report: Report, now: datetime) -> None:
    """Raises BackupError where it cannot be written: nobody would know that it was verified."""
    before, backup = read_note(folder), Path(report.backup).resolve()
    passed = dict(before.passed) if before is not None else {}
    if report.word is Word.PASS and backup.parent.name in KINDS and backup.parent.parent == folder.resolve():
        passed[backup.parent.name] = backup.name
    body = {
        "at": now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "backup": report.backup,
        "word": str(report.word),
        "sentence": report.sentence,
        "passed": passed,
    }
    fresh = folder / f"{NOTE}.new"
    try:
        fresh.write_text(json.dumps(body) + "\n", encoding="utf-8")
        fresh.replace(folder / NOTE)
    except OSError as error:
        raise BackupError(f"the note of the verification cannot be written to {folder}: {error.strerror}") from error


def read_note(folder: Path) -> Note | None:
    """None where there is none, or none that can be read."""
    try:
        body = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        at = datetime.fromisoformat(body["at"])
        return Note(
            at if at.tzinfo is not None else at.replace(tzinfo=UTC),
            str(body.get("backup", "")),
            str(body.get("word", "")),
            str(body.get("sentence", "")),
            {str(kind): str(name) for kind, name in dict(body.get("passed", {})).items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def check(folder: Path, within_s: float, now: datetime) -> tuple[bool, str]:
    """Whether a backup was verified, and well, in that time; and the sentence. Raises BackupError for no such
    folder."""
    if not folder.is_dir():
        raise BackupError(f"there is no folder of backups at {folder}")
    note = read_note(folder)
    allowed = f"at most {within_s / 3600:g} h are allowed"
    if note is None:
        return False, f"no verification of a backup in {folder} is known; run harness backup verify --note {folder}"
    age_s = (now - note.at).total_seconds()
    if age_s < -300:
        return (
            False,
            f"the last verification is noted for {note.at.isoformat()}, which is yet to come: a clock is wrong",
        )
    if age_s > within_s:
        return False, f"the last verification ended {age_s / 3600:.1f} h ago; {allowed}"
    if note.word != Word.PASS:
        return False, f"the last verification is no pass but {note.word or 'nothing'}: {note.sentence}"
    return True, f"{note.backup} was verified {age_s / 60:.0f} min ago: pass"
