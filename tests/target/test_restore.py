"""What a restore takes, where it leads to, and what it refuses: on folders made by hand, without a server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from target.backup import restore as restoring
from target.backup.folder import BackupError, Folder
from target.backup.receiver import Receiver
from target.backup.restore import WAL_FOLDER, restore
from target.backup.targets import Target, Wish, target_of
from target.backup.wal import Archive, history_of, lsn_of
from target.settings import Settings
from tests.target.backups import folder_of, physical, point, received
from tests.target.test_backup_wal import segment

EARLY, LATE = "20261129T210000Z", "20261129T220000Z"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Two backups, WAL from the first on, and a point after each."""
    made = folder_of(tmp_path)
    received(made, 1, 2, 3, 4)
    physical(made, EARLY)
    point(made, "point-1", "0/200500", "2026-11-29T21:30:00Z")
    physical(made, LATE, 0x300028, "0/300800")
    point(made, "point-2", "0/400500", "2026-11-29T22:30:00Z")
    return made


def restored(folder: Folder, into: Path, chosen: str = "latest", until: str = "latest", *weakness: str) -> list[str]:
    """What was said."""
    said: list[str] = []
    restore(folder, chosen, into, Wish(until), frozenset(weakness), said.append)
    return said


def settings(into: Path) -> dict[str, str]:
    lines = (into / "postgresql.auto.conf").read_text(encoding="utf-8").splitlines()
    return {name.strip(): value.strip(" '") for name, _, value in (line.partition("=") for line in lines)}


def test_the_newest_leads_to_the_newest_point(folder: Folder, tmp_path: Path):
    """With the WAL on the way, and nothing else of it; what an earlier restore had set is gone, the rest stays."""
    into = tmp_path / "data"
    said = restored(folder, into)
    assert said == [f"{folder.path}/physical/{LATE} is in {into}, to be recovered to name point-2 on timeline 1"]
    told = settings(into)
    assert (told["recovery_target_name"], told["recovery_target_action"], told["work_mem"]) == (
        "point-2",
        "promote",
        "8MB",
    )
    assert sorted(one.name for one in (into / WAL_FOLDER).iterdir()) == [segment(1, 3), segment(1, 4)]
    assert (into / "recovery.signal").exists()
    assert (into / "pg_hba.conf").read_text(encoding="utf-8") == "local all all trust\n"


def test_all_of_it_is_its_owners_alone(folder: Folder, tmp_path: Path):
    """PostgreSQL starts on no other; the owner is that of the folder that is there."""
    into = tmp_path / "data"
    into.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(into, 65534, 65534)
    restored(folder, into)
    found = [one.lstat() for one in (into, *into.rglob("*"))]
    assert {one.st_mode & 0o777 for one in found} == {0o700, 0o600}
    assert {one.st_uid for one in found} == {into.stat().st_uid} == {65534 if os.geteuid() == 0 else os.geteuid()}


@pytest.mark.parametrize(
    ("until", "backup", "setting", "value"),
    [
        ("point-2", LATE, "recovery_target_name", "point-2"),
        ("point-1", EARLY, "recovery_target_name", "point-1"),
        (f"backup-{EARLY}", EARLY, "recovery_target_name", f"backup-{EARLY}"),
        ("0/200300", EARLY, "recovery_target_lsn", "0/200300"),
        ("0/400100", LATE, "recovery_target_lsn", "0/400100"),
        ("2026-11-29T21:20:00Z", EARLY, "recovery_target_time", "2026-11-29T21:20:00+00:00"),
    ],
)
def test_an_earlier_target_is_reached_from_an_earlier_backup(
    folder: Folder, tmp_path: Path, until: str, backup: str, setting: str, value: str
):
    """The newest that lies before it; by a name, an LSN, a time."""
    said = restored(folder, tmp_path / "data", until=until)
    assert f"/physical/{backup} is in" in said[-1]
    assert settings(tmp_path / "data")[setting] == value


def test_a_point_that_was_not_received_is_passed_over(folder: Folder, tmp_path: Path):
    """The file of points may be ahead of the WAL."""
    point(folder, "point-3", "0/400900", is_there=False)
    restored(folder, tmp_path / "data")
    assert settings(tmp_path / "data")["recovery_target_name"] == "point-2"


def test_a_gap_is_told_and_never_crossed(folder: Folder, tmp_path: Path):
    """It ends at the newest point before the gap, and says so first."""
    received(folder, 5, 6)
    point(folder, "point-6", "0/600500")
    (folder.wal / segment(1, 5)).unlink()
    said = restored(folder, tmp_path / "data")
    assert said[0] == f"WARNING: the WAL has a gap: {segment(1, 5)}; point-2 is the newest point that can be reached"
    assert settings(tmp_path / "data")["recovery_target_name"] == "point-2"


def test_a_backup_whose_own_wal_is_lost_is_none(folder: Folder, tmp_path: Path):
    """What is missing is named."""
    (folder.wal / segment(1, 3)).unlink()
    with pytest.raises(BackupError, match=f"{LATE} does not lead to point-2: {segment(1, 3)} of the WAL is missing"):
        restored(folder, tmp_path / "data", until="point-2")


def test_the_way_forward_is_there_after_a_restore_that_went_too_far_back(folder: Folder, tmp_path: Path):
    """All of its WAL is still there, though the segment in which the timeline was left is received again."""
    Receiver(folder, Settings())._follow(2, history_of('1\t0/380000\tat restore point "a"\n'))
    (folder.wal / "00000002.history").write_text('1\t0/380000\tat restore point "a"\n', encoding="utf-8")
    restored(folder, tmp_path / "data", until="point-2")
    assert settings(tmp_path / "data")["recovery_target_timeline"] == "1"
    assert sorted(one.name for one in (tmp_path / "data" / WAL_FOLDER).iterdir()) == [
        *(segment(1, 3), segment(1, 4), "00000002.history")
    ]


@pytest.fixture
def ways(folder: Folder) -> Folder:
    """Restored to 21:30 after all that (point-1), so that timeline 2 begins there; it lives from 22:45 on."""
    received(folder, 2, 3, timeline=2)
    (folder.wal / "00000002.history").write_text("1\t0/200500\tbefore\n", encoding="utf-8")
    point(folder, "mid", "0/400100", "2026-11-29T22:10:00Z")
    point(folder, "two-1", "0/200900", "2026-11-29T22:45:00Z", timeline=2)
    point(folder, "two-2", "0/300900", "2026-11-29T22:50:00Z", timeline=2)
    return folder


def led(folder: Folder, until: str, timeline: int | None = None) -> tuple[Target | None, list[str]]:
    """Where the oldest backup leads to, and what was said."""
    said: list[str] = []
    backup = folder.backups("physical")[-1]
    wish = Wish(f"2026-11-29T{until}:00+00:00", timeline)
    return target_of(folder, Archive(folder.wal), backup, wish, said.append), said


@pytest.mark.parametrize(
    ("until", "timeline", "on", "end"),
    [
        ("21:20", None, 1, "0/300800"),
        ("21:40", None, 1, "0/400100"),
        ("22:20", None, 1, "0/400500"),
        ("22:47", None, 2, "0/300900"),
        ("21:20", 2, 2, "0/200900"),
    ],
)
def test_a_time_leads_to_what_was_live_then(ways: Folder, until: str, timeline: int | None, on: int, end: str):
    """Whatever came after an earlier restore, in places of the WAL that lie before; and to what is asked for."""
    target, said = led(ways, until, timeline)
    assert target is not None
    assert (target.timeline, target.end) == (on, lsn_of(end))
    assert said == []


def test_a_time_at_which_another_timeline_was_live_is_told(ways: Folder):
    """With how to go there: to its last point where it had just ended, by its number where it goes on."""
    target, (said,) = led(ways, "22:40")
    assert target is not None
    assert target.timeline == 2
    assert said.endswith("timeline 1 was live too; for it: --until point-2, its last")
    point(ways, "skewed", "0/400800", "2026-11-29T22:48:00Z")
    target, (said,) = led(ways, "22:46")
    assert said.endswith("timeline 2 was live too; for it: --timeline 2")
    assert led(ways, "22:46", 2)[0] == Target(
        "recovery_target_time", "2026-11-29T22:46:00+00:00", lsn_of("0/300900"), 2
    )
    assert led(ways, "22:46", 3)[0] is None


def test_a_damaged_backup_is_passed_over_and_named(folder: Folder, tmp_path: Path):
    """One older leads to the same point; asked for by its name it is refused."""
    damaged = folder.path / "physical" / LATE
    (damaged / "base" / "PG_VERSION").write_text("17\n", encoding="utf-8")
    said = restored(folder, tmp_path / "data")
    assert said[0] == f"{LATE} is damaged (base/PG_VERSION is not what was written)"
    assert f"/physical/{EARLY} is in" in said[1]
    with pytest.raises(BackupError, match=f"nothing to restore from: {LATE} is damaged"):
        restored(folder, tmp_path / "other", str(damaged))
    assert not (tmp_path / "other").exists()


def test_one_bad_sector_in_the_newest_does_not_end_the_restore(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The next one is tried, and the file named."""
    digest = hashlib.file_digest

    def failing(file, algorithm):
        if LATE in file.name:
            raise OSError(5, "Input/output error")
        return digest(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", failing)
    said = restored(folder, tmp_path / "data")
    assert f"{LATE}/base/PG_VERSION cannot be read: Input/output error)" in said[0]
    assert f"/physical/{EARLY} is in" in said[1]


def test_nothing_starts_from_a_restore_that_was_cut_off(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """pg_control comes when all the rest is there."""
    for one in (EARLY, LATE):
        (folder.path / "physical" / one / "base" / "global").mkdir()
        (folder.path / "physical" / one / "base" / "global" / "pg_control").write_bytes(b"control")
    with monkeypatch.context() as patched:
        patched.setattr(restoring, "_settle", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(BackupError, match="No space"):
            restored(folder, tmp_path / "cut")
    assert (tmp_path / "cut" / "PG_VERSION").exists()
    assert not (tmp_path / "cut" / "global" / "pg_control").exists()
    restored(folder, tmp_path / "whole")
    assert (tmp_path / "whole" / "global" / "pg_control").read_bytes() == b"control"


def test_a_backup_that_others_made_is_passed_over_in_words(folder: Folder, tmp_path: Path):
    """Its manifest need not say where its WAL leads to."""
    foreign = physical(folder, "20261129T230000Z")
    (foreign / "manifest.json").write_text('{"schema": 1, "kind": "physical", "files": {}}', encoding="utf-8")
    said = restored(folder, tmp_path / "data")
    assert said[0] == "20261129T230000Z is damaged (its manifest does not say up to where it goes)"
    assert f"/physical/{LATE} is in" in said[1]


def test_a_folder_that_holds_anything_is_refused(folder: Folder, tmp_path: Path):
    """And is left as it is; that of a running server says so."""
    into = tmp_path / "data"
    into.mkdir()
    (into / "PG_VERSION").touch()
    with pytest.raises(BackupError, match="is not empty: it holds PG_VERSION; a restore goes into an empty folder"):
        restored(folder, into)
    (into / "postmaster.pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
    before = Path.cwd()
    os.chdir(into)
    try:
        with pytest.raises(BackupError, match=f"a server runs on .* \\(process {os.getpid()}\\); stop it before"):
            restored(folder, into)
    finally:
        os.chdir(before)
    assert sorted(one.name for one in into.iterdir()) == ["PG_VERSION", "postmaster.pid"]


@pytest.mark.parametrize(
    ("chosen", "until", "says"),
    [
        ("nowhere", "latest", f"nowhere is no whole physical backup.*{LATE}, {EARLY}"),
        ("latest", "yesterday", "unknown restore point 'yesterday'; give latest, the name of one of"),
        ("latest", "0/900000", f"nothing to restore from: {LATE} does not lead to 0/900000"),
    ],
)
def test_what_cannot_be_restored_is_told_before_anything_is_written(
    folder: Folder, tmp_path: Path, chosen: str, until: str, says: str
):
    """With what there is."""
    with pytest.raises(BackupError, match=says):
        restored(folder, tmp_path / "data", chosen, until)
    assert not (tmp_path / "data").exists()


def test_no_backup_and_no_space_are_told(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Before anything is written."""
    with pytest.raises(BackupError, match="there is no physical backup in"):
        restored(folder_of(tmp_path / "empty"), tmp_path / "data")
    monkeypatch.setattr(restoring, "SPARE_BYTES", 2**60)
    with pytest.raises(BackupError, match="MiB free, and the restore needs"):
        restored(folder, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_weak_restore_has_no_target(folder: Folder, tmp_path: Path):
    """The planted weakness restore-no-target."""
    restored(folder, tmp_path / "data", "latest", "latest", "restore-no-target")
    assert not [name for name in settings(tmp_path / "data") if name.startswith("recovery_target")]
