"""A folder of backups ($BACKUPS), and the note in it that says when each kind was last verified: the verifier's own
heartbeat."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.backup.manifest import NAME, ManifestError, read
from harness.backup.report import Report
from harness.durations import in_words
from harness.errors import BackupError
from harness.record import Word

KINDS = ("logical", "physical")
NOTE = ".verified"
IN_USE = ".in-use"
"""Who takes old backups away waits for those that hold a shared lock on it."""
_NAME = re.compile(r"\d{8}T\d{6}(?:\.\d+)?Z\Z")


def latest(folder: Path, kind: str = "") -> Path:
    """The newest backup that is whole: renamed to its time, with a manifest that can be read. Raises BackupError."""
    require_kind(kind)
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
    """The last verification of a kind: when it ended, of which backup, with which word."""

    at: datetime
    backup: str
    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Notes:
    """What `.verified` says. `kinds` has the last verification by kind, "" where the kind could not be told; `passed`
    has, by kind, the name of the backup that passed last: who takes old ones away leaves it."""

    kinds: Mapping[str, Note] = field(default_factory=dict)
    passed: Mapping[str, str] = field(default_factory=dict)


def require_kind(kind: str) -> None:
    """Raises BackupError for what is no kind of backup; "" is any."""
    if kind and kind not in KINDS:
        raise BackupError(f"unknown kind {kind!r}; allowed: {', '.join(KINDS)}")


def kind_of(folder: Path, report: Report, told: str = "") -> str:
    """Where it lies in the folder, else as it was recognised, else as it was told; "" where nobody knows."""
    return _place_of(folder, report) or report.kind or told


def _place_of(folder: Path, report: Report) -> str:
    above = Path(report.backup).resolve().parent
    is_there = report.backup and above.name in KINDS and above.parent == folder.resolve()
    return above.name if is_there else ""


def write_note(folder: Path, report: Report, kind: str, now: datetime) -> None:
    """In the place of the last one of that kind. Raises BackupError where it cannot be written: nobody would know that
    it was verified."""
    try:
        with _alone(folder):
            before = read_notes(folder)
            kinds, passed = dict(before.kinds), dict(before.passed)
            if report.word is Word.PASS:
                kinds.pop("", None)  # there is one that restores after that which was none of a kind
                if place := _place_of(folder, report):
                    passed[place] = Path(report.backup).resolve().name
            kinds[kind] = Note(now, report.backup, str(report.word), report.sentence)
            body = {"kinds": {name: _body(note) for name, note in kinds.items()}, "passed": passed}
            fresh = folder / f"{NOTE}.new"
            fresh.write_text(json.dumps(body) + "\n", encoding="utf-8")
            fresh.replace(folder / NOTE)
    except OSError as error:
        raise BackupError(f"the note of the verification cannot be written to {folder}: {error.strerror}") from error


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes the note meanwhile: theirs is of the other kind, and would be lost. Where a folder cannot be
    locked (NFS) nothing is held."""
    place = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def _body(note: Note) -> dict[str, str]:
    at = note.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": at, "backup": note.backup, "word": note.word, "sentence": note.sentence}


def read_notes(folder: Path) -> Notes:
    """Empty where there is no note, or none that can be read. One that an earlier version wrote has one verification,
    whose kind is where its backup lay."""
    try:
        body = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        passed = {str(kind): str(name) for kind, name in dict(body.get("passed", {})).items()}
        if "kinds" not in body:
            above = Path(str(body.get("backup", ""))).parent.name
            body = {"kinds": {above if above in KINDS else "": body}}
        return Notes({str(kind): _note(one) for kind, one in dict(body["kinds"]).items()}, passed)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Notes()


def _note(body: Mapping[str, object]) -> Note:
    at = datetime.fromisoformat(str(body["at"]))
    words = (str(body.get(name, "")) for name in ("backup", "word", "sentence"))
    return Note(at if at.tzinfo is not None else at.replace(tzinfo=UTC), *words)


def check(folder: Path, within_s: float, now: datetime) -> tuple[bool, str]:
    """Whether each kind that is there, or was ever verified, was verified, and well, in that time; and the sentence.
    Raises BackupError for no such folder."""
    if not folder.is_dir():
        raise BackupError(f"there is no folder of backups at {folder}")
    kinds = read_notes(folder).kinds
    wanted = sorted({*kinds, *(kind for kind in KINDS if _of(folder / kind))})
    if not wanted:
        return False, f"no verification of a backup in {folder} is known; run harness backup verify --note {folder}"
    wrong = [sentence for kind in wanted if (sentence := _wrong(folder, kind, kinds.get(kind), within_s, now))]
    if wrong:
        return False, "; ".join(wrong)
    return True, "; ".join(
        f"{kinds[kind].backup} was verified {(now - kinds[kind].at).total_seconds() / 60:.0f} min ago: pass"
        for kind in wanted
    )


def _wrong(folder: Path, kind: str, note: Note | None, within_s: float, now: datetime) -> str:
    """Why the kind does not count as verified; "" where it does."""
    what = f"verification of a {kind} backup" if kind else "verification"
    if note is None:
        return (
            f"no {what} in {folder} is known; run harness backup verify "
            f'"$(harness backup latest {folder} --kind {kind})" --note {folder}'
        )
    age_s = (now - note.at).total_seconds()
    if age_s < -300:
        return f"the last {what} is noted for {note.at.isoformat()}, which is yet to come: a clock is wrong"
    if age_s > within_s:
        return f"the last {what} ended {in_words(age_s)} ago; allowed: {in_words(within_s)}"
    if note.word != Word.PASS:
        return f"the last {what} is no pass but {note.word or 'nothing'}: {note.sentence}"
    return ""
