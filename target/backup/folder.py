"""The folder of backups: what lies where, which backups are whole, which are the newest."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from target.backup.wal import HISTORY, SEGMENT, lsn_of, text_of

KINDS = ("logical", "physical")
MANIFEST = "manifest.json"
STAMP = re.compile(r"\d{8}T\d{6}Z")
START = re.compile(r"START WAL LOCATION: ([0-9A-F]+/[0-9A-F]+)")
POINTS_KEPT_MAX = 5000
IN_USE = ".in-use"
"""Who reads a backup for long holds a shared lock on it, and nothing is taken away meanwhile; a dead one holds none."""


class BackupError(Exception):
    """A backup, or a restore, that did not come to be; the text says why, and what to do."""


def now_text() -> str:
    """This moment, in RFC 3339, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Point:
    """A restore point. `lsn` is the end of its record."""

    name: str
    lsn: int
    timeline: int
    at: str

    def to_line(self) -> str:
        body = {"name": self.name, "lsn": text_of(self.lsn), "timeline": self.timeline, "at": self.at}
        return json.dumps(body) + "\n"


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup, as its manifest says it."""

    path: Path
    kind: str
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def started_lsn(self) -> int:
        """Where the WAL begins that a physical one needs. Raises BackupError."""
        try:
            label = (self.path / "base" / "backup_label").read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise BackupError(f"{self.path} has no base/backup_label, so that nothing can start from it") from error
        match = START.search(label)
        if match is None:
            raise BackupError(f"{self.path}/base/backup_label does not say where its WAL begins")
        return lsn_of(match[1])


class Folder:
    """$BACKUPS."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wal, self.points_file, self.verified_file = path / "wal", path / "points.jsonl", path / ".verified"

    def make(self) -> None:
        """With all of its parts. Raises OSError."""
        for one in (*KINDS, "wal"):
            (self.path / one).mkdir(parents=True, exist_ok=True)

    def clear(self) -> None:
        """Take away what was being made when somebody died. For the one who makes them, when it begins."""
        for kind in KINDS:
            for left in (self.path / kind).glob(".making-*"):
                shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Nothing is taken away meanwhile; where the folder cannot be written nothing is held."""
        try:
            place = os.open(self.path / IN_USE, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            yield
            return
        try:
            fcntl.flock(place, fcntl.LOCK_SH)
            yield
        finally:
            os.close(place)

    def backups(self, kind: str) -> list[Backup]:
        """The whole ones, newest first."""
        places = sorted((self.path / kind).glob("*"), key=lambda one: one.name, reverse=True)
        return [found for place in places if STAMP.fullmatch(place.name) and (found := read_backup(place, kind))]

    def place(self, kind: str) -> tuple[Path, Path]:
        """(where one is made, where it is then) of a new backup, by the second at which it begins."""
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        return self.path / kind / f".making-{name}", self.path / kind / name

    def points(self) -> Iterator[Point]:
        """The restore points, newest first; lines that were cut are left out."""
        with suppress(FileNotFoundError):
            for line in reversed(self.points_file.read_text(encoding="utf-8", errors="replace").splitlines()):
                with suppress(ValueError, KeyError, TypeError):
                    body = json.loads(line)
                    yield Point(body["name"], lsn_of(body["lsn"]), int(body["timeline"]), body["at"])

    def add(self, points: list[Point]) -> None:
        if points:
            with self.points_file.open("a", encoding="utf-8") as file:
                file.writelines(one.to_line() for one in points)

    def retain(self, keep: int) -> None:
        """Take away all but the newest `keep` of each kind and the one that passed a verification last, and the WAL and
        the points that none of them needs; later, while somebody restores from them or verifies one."""
        place = os.open(self.path / IN_USE, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._retain(keep)
        except BlockingIOError:
            return
        finally:
            os.close(place)

    def _retain(self, keep: int) -> None:
        passed = self.verified()["passed"]
        for kind in KINDS:
            for old in self.backups(kind)[keep:]:
                if old.name == passed.get(kind):
                    continue  # those after it may all be bad
                gone = old.path.with_name(f".making-{old.name}")  # no reader takes a half for a whole
                old.path.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)
        kept = self.backups("physical")
        if kept:
            self._retain_wal(min(one.started_lsn for one in kept))

    def _retain_wal(self, begin: int) -> None:
        whole = [one for one in self.wal.rglob("*") if SEGMENT.fullmatch(one.name)]
        size = max((one.stat().st_size for one in whole), default=2**24)
        for path in whole:
            match = SEGMENT.fullmatch(path.name)
            assert match is not None
            number = int(match[2], 16) * (2**32 // size) + int(match[3], 16)
            if number < begin // size:
                path.unlink(missing_ok=True)
        points = list(self.points())
        if len(points) > POINTS_KEPT_MAX:
            fresh = self.points_file.with_name(".points.jsonl")
            kept = [one for one in reversed(points) if one.lsn >= begin]
            fresh.write_text("".join(one.to_line() for one in kept), encoding="utf-8")
            fresh.replace(self.points_file)

    def verified(self) -> dict[str, dict[str, Any]]:
        """What the last verifications said: `kinds` by kind ("": none could be told), each with its `age_s`; `passed`,
        by kind, the name of the backup that passed last. An earlier note has one verification, of where its backup
        lay."""
        try:
            body = json.loads(self.verified_file.read_text(encoding="utf-8"))
            above = Path(str(body.get("backup", ""))).parent.name
            kinds = body.get("kinds", {above if above in KINDS else "": body})
            return {
                "kinds": {kind: {**one, "age_s": _age_s(str(one["at"]))} for kind, one in kinds.items()},
                "passed": dict(body.get("passed", {})),
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {"kinds": {}, "passed": {}}

    def set_aside(self, name: str, places: list[Path]) -> Path:
        """Move files to a folder below the WAL's, where a restore still finds them."""
        aside = self.wal / name
        aside.mkdir(exist_ok=True)
        for one in places:
            os.replace(one, aside / one.name)
        return aside

    def received(self) -> list[Path]:
        """What pg_receivewal looks at when it starts."""
        return [one for one in self.wal.iterdir() if SEGMENT.fullmatch(one.name) or HISTORY.fullmatch(one.name)]


def sync(*places: Path) -> None:
    """Files and folders are on their disk, in that order. Raises OSError."""
    for one in places:
        place = os.open(one, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(place)
        finally:
            os.close(place)


def _age_s(at: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(at.replace("Z", "+00:00"))).total_seconds()


def read_backup(place: Path, kind: str = "") -> Backup | None:
    """The backup in that folder; None where there is no whole one."""
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(manifest, dict) or manifest.get("kind") not in KINDS or kind not in ("", manifest["kind"]):
        return None
    return Backup(place, manifest["kind"], manifest)
