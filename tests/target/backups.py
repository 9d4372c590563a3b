"""Folders of backups as the service makes them, by hand: small, and without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from target.backup.folder import MANIFEST, Folder, Point
from target.backup.take import sums
from target.backup.wal import lsn_of, text_of
from tests.target.test_backup_wal import SEGMENT_BYTES, segment, write_before

FIRST = lsn_of("0/100028")


def folder_of(path: Path) -> Folder:
    folder = Folder(path / "backups")
    folder.make()
    return folder


def received(folder: Folder, *numbers: int, timeline: int = 1) -> None:
    """Whole segments."""
    for number in numbers:
        (folder.wal / segment(timeline, number)).write_bytes(b"\0" * SEGMENT_BYTES)


def point(
    folder: Folder,
    name: str,
    lsn: str,
    at: str = "2026-11-29T22:00:00Z",
    *,
    is_there: bool = True,
    timeline: int = 1,
) -> None:
    """A restore point, in the file of points, and, on the first timeline, in the WAL if that is there."""
    folder.add([Point(name, lsn_of(lsn), timeline, at)])
    if is_there and timeline == 1:
        write_before(folder.wal, lsn_of(lsn), f"{name}\0".encode().ljust(72, b"\0"))


def physical(folder: Folder, name: str, start: int = FIRST, lsn: str = "0/100800") -> Path:
    """A base backup that begins at `start`, with its own restore point at `lsn`, done at once."""
    at = datetime.strptime(name[-16:], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat()
    place = folder.path / "physical" / name
    base = place / "base"
    (base / "pg_wal").mkdir(parents=True)
    (base / "PG_VERSION").write_text("18\n", encoding="utf-8")
    (base / "pg_hba.conf").write_text("local all all trust\n", encoding="utf-8")
    (base / "postgresql.auto.conf").write_text("recovery_target_name = 'before'\nwork_mem = '8MB'\n", encoding="utf-8")
    (base / "backup_label").write_text(
        f"START WAL LOCATION: {text_of(start)} (file {segment(1, 1)})\n", encoding="utf-8"
    )
    manifest = {
        **{"schema": 1, "kind": "physical", "lsn": lsn, "timeline": 1, "target": {"name": f"backup-{name}"}},
        **{"started_at": at, "finished_at": at, "files": sums(place)},
    }
    (place / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    write_before(folder.wal, lsn_of(lsn), f"backup-{name}\0".encode().ljust(72, b"\0"))
    return place
