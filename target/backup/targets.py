"""Where a restore leads to: a place of the WAL on a timeline that a backup leads to, by a name, an LSN or a time. Only
files are read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from target.backup.folder import Backup, BackupError, Folder, Point
from target.backup.wal import LSN, Archive, lsn_of


@dataclass(frozen=True, slots=True)
class Target:
    """What a restore leads to: the setting of PostgreSQL that says it, its value, and the end of the WAL that is needed
    (None: all there is), on a timeline."""

    setting: str
    value: str
    end: int | None
    timeline: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: `until` is `latest`, a restore point's name, an LSN or a time; `timeline`, which way to go
    where there are several (None: the one that was live then, of an LSN the newest)."""

    until: str
    timeline: int | None = None

    def __str__(self) -> str:
        return self.until if self.timeline is None else f"{self.until} on timeline {self.timeline}"


def target_of(
    folder: Folder, archive: Archive, backup: Backup, wish: Wish, say: Callable[[str], None]
) -> Target | None:
    """None where this backup does not lead there. Raises BackupError for what nobody can mean."""
    until, timeline = wish.until, wish.timeline
    points = [one for one in _points(folder, backup) if timeline is None or _is_on(archive, timeline, one)]
    if until == "latest":
        return _newest(archive, backup, points, timeline, say)
    if LSN.fullmatch(until):
        lsn = lsn_of(until)
        line = timeline or max([*archive.histories, int(backup.manifest["timeline"])])
        return Target("recovery_target_lsn", until, lsn, line) if leads(archive, backup, lsn, line) else None
    for point in _points(folder, backup):
        if point.name == until:
            line = timeline or point.timeline
            there = point in points and leads(archive, backup, point.lsn, line)
            return Target("recovery_target_name", point.name, point.lsn, line) if there else None
    at = _time(until)
    if at is None:
        raise BackupError(
            f"unknown restore point {until!r}; give latest, the name of one of {folder.points_file}, an LSN as "
            "0/3000028, or a time as 2026-11-29T22:11:33Z"
        )
    return _at(archive, backup, at, points, timeline, say)


def _at(
    archive: Archive,
    backup: Backup,
    at: datetime,
    points: list[Point],
    timeline: int | None,
    say: Callable[[str], None],
) -> Target | None:
    timed = sorted(((when, one.lsn, one) for one in points if (when := _time(one.at))), key=lambda one: one[:2])
    before = [one for when, _, one in timed if when < at]
    reached = {one.timeline: one.lsn for one in sorted(before, key=lambda one: one.lsn)}
    after = [one for when, _, one in timed if when >= at and one.lsn > reached.get(one.timeline, 0)]
    if not after or at < (_time(backup.manifest["finished_at"]) or at):
        return None
    end = after[0]  # the first that is surely behind it
    line = timeline or end.timeline
    if not leads(archive, backup, end.lsn, line):
        return None
    if timeline is None:
        _tell_of_others(archive, at, line, before, after, say)
    later = next((one for one in after if one.lsn > end.lsn and _is_on(archive, line, one)), None)
    if later is not None and leads(archive, backup, later.lsn, line):
        end = later  # recovery ends at a commit after that time, and between two points there is one
    return Target("recovery_target_time", at.isoformat(), end.lsn, line)


def _tell_of_others(
    archive: Archive, at: datetime, line: int, before: list[Point], after: list[Point], say: Callable[[str], None]
) -> None:
    """Another way was gone at that time: it goes on after it, or was the last before it."""
    last = {one.timeline: one for one in before if not _is_on(archive, line, one)}
    for timeline, point in last.items():
        goes_on = any(one.timeline == timeline and not _is_on(archive, line, one) for one in after)
        if goes_on or point is before[-1]:
            say(
                f"WARNING: timeline {line} is taken, and at {at.isoformat()} timeline {timeline} was live too; for it: "
                + (f"--timeline {timeline}" if goes_on else f"--until {point.name}, its last")
            )


def _is_on(archive: Archive, timeline: int, point: Point) -> bool:
    """Whether the way to a timeline leads over that point."""
    left = (one for one in archive.switches(timeline) if one.timeline == point.timeline)
    return point.timeline == timeline or any(point.lsn <= one.lsn for one in left)


def _points(folder: Folder, backup: Backup) -> Iterator[Point]:
    """Newest first; the backups' own are the last."""
    yield from folder.points()
    for own in (backup.manifest, *(one.manifest for one in folder.backups("physical"))):
        with contextlib.suppress(ValueError, KeyError, TypeError):  # one that others made need not have a point
            yield Point(own["target"]["name"], lsn_of(own["lsn"]), int(own["timeline"]), own["finished_at"])


def _newest(
    archive: Archive, backup: Backup, points: list[Point], timeline: int | None, say: Callable[[str], None]
) -> Target | None:
    """The newest restore point that the WAL really holds, all of the way."""
    missing = ""
    for point in points:
        line = timeline or point.timeline
        if archive.holds(point.name, point.lsn, point.timeline) and leads(archive, backup, point.lsn, line):
            if missing:
                say(f"WARNING: the WAL has a gap: {missing}; {point.name} is the newest point that can be reached")
            return Target("recovery_target_name", point.name, point.lsn, line)
        if not missing and point.lsn > lsn_of(backup.manifest["lsn"]):
            missing = archive.gap(backup.started_lsn, point.lsn, line, held(backup))
    return None


def leads(archive: Archive, backup: Backup, lsn: int, timeline: int) -> bool:
    """Whether the WAL leads from the backup to that place, without a gap and on one way."""
    if lsn < lsn_of(backup.manifest["lsn"]):
        return False
    own = int(backup.manifest["timeline"])
    left = [one.lsn for one in archive.switches(timeline) if one.timeline == own]
    if own != timeline and (not left or left[0] < lsn_of(backup.manifest["lsn"])):
        return False  # it was taken on a way that was left
    return not archive.gap(backup.started_lsn, lsn, timeline, held(backup))


def held(backup: Backup) -> dict[str, Path]:
    """The WAL that it brings along."""
    return {one.name: one for one in (backup.path / "base" / "pg_wal").glob("*") if one.is_file()}


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
