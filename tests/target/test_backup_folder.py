"""What is kept of backups, what is known of them, and what is worth waking somebody for; without a server."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from target.backup import take
from target.backup.folder import Folder
from target.backup.receiver import Receiver, begin_anew
from target.backup.service import Service
from target.backup.take import Taker
from target.backup.wal import history_of
from target.settings import Settings
from tests.target.backups import folder_of, physical, point, received
from tests.target.test_backup_wal import segment

NAMES = ["20261129T210000Z", "20261129T220000Z", "20261129T230000Z"]


def verified(
    folder: Folder, word: str, age_s: float, passed: dict[str, str] | None = None, physical: str = "pass"
) -> None:
    """The logical kind with that word, and of that age; the physical one with its own, a second ago."""
    kinds = {
        kind: {
            "at": (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(),
            **{"backup": NAMES[0], "word": said, "sentence": "the hash of orders differs"},
        }
        for kind, said, ago_s in (("logical", word, age_s), ("physical", physical, 1))
        if said
    }
    folder.verified_file.write_text(json.dumps({"kinds": kinds, "passed": passed or {}}), encoding="utf-8")


def service_of(tmp_path: Path, **more: float) -> Service:
    service = Service(Settings(backups=folder_of(tmp_path).path, verify_within_s=more.get("verify_within_s", 60)))
    return service


def test_the_newest_are_kept_with_the_wal_that_they_need(tmp_path: Path):
    """And no other; what was set aside goes likewise."""
    folder = folder_of(tmp_path)
    received(folder, 1, 2, 3, 4)
    for number, name in enumerate(NAMES, 1):
        physical(folder, name, 0x100000 * number + 0x28, f"0/{number}00800")
    folder.set_aside("until-then", [folder.wal / segment(1, 1)])
    folder.retain(2)
    assert [one.name for one in folder.backups("physical")] == [NAMES[2], NAMES[1]]
    assert sorted(one.name for one in folder.wal.rglob("0*")) == [segment(1, number) for number in (2, 3, 4)]


def test_the_last_that_passed_is_kept_with_its_wal(tmp_path: Path):
    """However many came after it: they may all be bad. One that passed since takes its place."""
    folder = folder_of(tmp_path)
    received(folder, 1, 2, 3, 4)
    for number, name in enumerate(NAMES, 1):
        physical(folder, name, 0x100000 * number + 0x28, f"0/{number}00800")
    for passed, kept in ((0, [2, 0]), (1, [2]), (2, [2])):
        verified(folder, "fail", 0, {"physical": NAMES[passed]})
        folder.retain(1)
        assert [one.name for one in folder.backups("physical")] == [NAMES[one] for one in kept]
        assert (folder.wal / segment(1, 1)).exists() == (passed == 0)


def test_nothing_is_taken_away_while_somebody_restores_from_it(tmp_path: Path):
    """It is taken away the next time; of two who restore, the last lets go."""
    folder = folder_of(tmp_path)
    received(folder, 1, 2)
    for name in NAMES:
        physical(folder, name)
    with folder.in_use():
        with folder.in_use():
            folder.retain(1)
        folder.retain(1)
        assert len(folder.backups("physical")) == len(NAMES)
    folder.retain(1)
    assert len(folder.backups("physical")) == 1


def test_what_is_half_made_is_no_backup(tmp_path: Path):
    """Neither where one is being made, nor where its manifest cannot be read; the first is taken away at the start."""
    folder = folder_of(tmp_path)
    received(folder, 1)
    place = physical(folder, NAMES[0])
    physical(folder, f".making-{NAMES[1]}")
    assert [one.name for one in folder.backups("physical")] == [NAMES[0]]
    (place / "manifest.json").write_text('{"schema": 1, "kind"', encoding="utf-8")
    assert folder.backups("physical") == []
    folder.clear()
    assert [one.name for one in (folder.path / "physical").iterdir()] == [NAMES[0]]


def test_a_backup_has_its_name_only_when_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With its manifest; and its name is, before older ones are taken away."""
    folder, synced = folder_of(tmp_path), []

    async def made(*_: object) -> dict[str, object]:
        return {"lsn": "0/28"}

    def sync(*places: Path) -> None:
        synced.append(([one.name for one in places], len(folder.backups("logical"))))

    monkeypatch.setattr(Taker, "_made", made)
    monkeypatch.setattr(take, "sync", sync)
    backup = asyncio.run(Taker(folder, Settings()).take("logical"))
    assert synced == [(["manifest.json", f".making-{backup.name}"], 0), (["logical"], 1)]


def test_a_line_that_was_cut_is_no_point(tmp_path: Path):
    """Who died while it was written has not spoilt the rest."""
    folder = folder_of(tmp_path)
    received(folder, 1)
    point(folder, "point-1", "0/100500")
    with folder.points_file.open("a", encoding="utf-8") as file:
        file.write('{"name": "point-2", "lsn": "0/1006')
    assert [one.name for one in folder.points()] == ["point-1"]


def test_what_was_received_on_a_way_that_was_left_is_set_aside(tmp_path: Path):
    """After a restore to the middle of a segment: what follows it, of that timeline, and a copy of the segment, which
    is received again; nothing more when it is looked at again."""
    folder = folder_of(tmp_path)
    received(folder, 1, 2, 3)
    for _ in range(2):
        Receiver(folder, Settings())._follow(2, history_of('1\t0/280000\tat restore point "a"\n'))
    assert sorted(one.name for one in folder.received()) == [segment(1, 1), f"{segment(1, 2)}.partial"]
    (aside,) = folder.wal.glob("left-*")
    assert sorted(one.name for one in aside.iterdir()) == [segment(1, 2), segment(1, 3)]


def test_after_a_restore_to_the_way_that_was_left_it_is_gone_on_with(tmp_path: Path):
    """What was set aside of it is there again up to where it is left this time; the other way is set aside. Else
    pg_receivewal would ask for a timeline that the server never was on."""
    folder = folder_of(tmp_path)
    received(folder, 1, 2, 3, 4, 5)
    receiver = Receiver(folder, Settings())
    receiver._follow(2, history_of("1\t0/280000\tbefore\n"))
    received(folder, 2, 3, timeline=2)
    for _ in range(2):
        receiver._follow(3, history_of("1\t0/480000\tbefore\n"))
    assert sorted(one.name for one in folder.received()) == [segment(1, number) for number in (1, 2, 3)]
    assert {one.name for one in folder.wal.glob("left-*/*")} == {
        *(segment(1, 4), segment(1, 5), segment(2, 2), segment(2, 3))
    }


def test_the_backups_of_another_database_are_put_aside_whole(tmp_path: Path):
    """Nothing of them is lost, and the folder is as new."""
    folder = folder_of(tmp_path)
    received(folder, 1)
    physical(folder, NAMES[0])
    (folder.path / ".system").write_text("123\n", encoding="utf-8")
    aside = begin_anew(folder)
    assert aside.name.startswith("of-123-")
    assert [one.name for one in Folder(aside).backups("physical")] == [NAMES[0]]
    assert folder.backups("physical") == []
    assert not (folder.path / ".system").exists()


@pytest.mark.parametrize(
    ("word", "age_s", "says"),
    [
        ("pass", 1, ""),
        ("pass", 61, "the last verification of a logical backup was 61 s ago"),
        ("fail", 1, f"{NAMES[0]}: the hash of orders differs"),
        ("unknown", 1, f"{NAMES[0]}: the hash of orders differs"),
    ],
)
def test_a_backup_counts_as_verified_by_a_pass_that_is_not_old(tmp_path: Path, word: str, age_s: float, says: str):
    """And by nothing else; that the other kind passed since is no excuse."""
    service = service_of(tmp_path)
    verified(service.folder, word, age_s)
    assert service.unverified == says


def test_a_kind_that_was_never_verified_is_told_when_it_is_due(tmp_path: Path):
    """The other one may pass as often as it will."""
    service = service_of(tmp_path)
    verified(service.folder, "pass", 1, physical="")
    assert service.unverified == ""
    service._began -= 61
    assert service.unverified == "no physical backup was verified for 61 s"


def test_the_note_of_an_earlier_version_is_read(tmp_path: Path):
    """It is of the kind in whose folder its backup lay."""
    service = service_of(tmp_path)
    body = {"at": datetime.now(UTC).isoformat(), "backup": f"/b/physical/{NAMES[0]}", "word": "fail", "sentence": "so"}
    service.folder.verified_file.write_text(json.dumps({**body, "passed": {"logical": NAMES[1]}}), encoding="utf-8")
    assert service.unverified == f"/b/physical/{NAMES[0]}: so"
    assert list(service.folder.verified()["kinds"]) == ["physical"]
    assert service.folder.verified()["passed"] == {"logical": NAMES[1]}


def test_no_verification_at_all_is_told_when_it_is_due(tmp_path: Path):
    """A service that has just begun has time; a note that cannot be read is none."""
    assert service_of(tmp_path).unverified == ""
    due = service_of(tmp_path, verify_within_s=-1)
    due.folder.verified_file.write_text("not JSON", encoding="utf-8")
    assert due.unverified.startswith("no logical or physical backup was verified for")


def test_trouble_that_is_over_soon_is_none(tmp_path: Path):
    """As when the database is started again; what goes on is told, each kind for itself."""
    service = service_of(tmp_path)
    assert service.troubles == []
    service.done["logical"].trouble = "pg_dump: no space"
    service.done["logical"].failing_since = service._began
    assert service.troubles == []
    service.done["logical"].failing_since -= 6
    assert service.troubles == ["the logical backup failed: pg_dump: no space"]


def test_what_was_not_made_for_three_periods_is_stale(tmp_path: Path):
    """Either kind."""
    service = service_of(tmp_path)
    assert not service.is_stale
    service.done["physical"].good_at -= 3 * Settings().backup_every_s + 1
    assert service.is_stale
