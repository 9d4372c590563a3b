"""What only drills may do: refused in scenarios, and done as it says."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from harness import DamageBackup, Deploy, JunkFile, LoseData, Sql, loader
from harness.errors import ScenarioError
from harness.stack.disasters import empty_folder, held

SCENARIO = """from harness import Availability, DamageBackup, Deploy, JunkFile, Load, LoseData, Scenario, Sql, during

scenario = Scenario(
    hypothesis="It holds.",
    load=Load("shop.py", rate_per_s=60),
    faults=during(5, 10, {fault}),
    checks=(Availability(ok_ratio_min=0.99),),
)
"""


@pytest.mark.parametrize(
    "fault",
    [
        'LoseData("postgres")',
        'Deploy("api", {"A": "b"})',
        'Sql("postgres", "SELECT 1")',
        'JunkFile("postgres", path="/data")',
        "DamageBackup()",
    ],
)
def test_what_nothing_can_put_back_has_no_place_in_a_scenario(tmp_path, fault):
    """It is refused before anything starts, with its line and where it belongs."""
    path = tmp_path / "one.py"
    path.write_text(SCENARIO.replace("{fault}", fault), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"one\.py:6: .*make it the disaster of a drill"):
        loader.load(path)


def test_data_is_lost_after_the_kill():
    """A server that still ran would write it anew."""
    did: list[str] = []
    service = SimpleNamespace(
        kill=lambda: did.append("kill") or (lambda: did.append("start")), lose_data=lambda: did.append("lose")
    )
    stack = SimpleNamespace(service=lambda name: service, links_to=lambda name: ())
    LoseData("postgres").inject(stack)
    assert did == ["kill", "lose"]


def test_a_folder_is_emptied_and_what_its_links_lead_to_stays(tmp_path):
    """The folder itself is left: it is a volume, or whoever restores finds there whose it is."""
    data, other = tmp_path / "data", tmp_path / "other"
    (data / "base").mkdir(parents=True)
    (data / "base" / "1").write_text("x", encoding="utf-8")
    other.mkdir()
    (other / "kept").write_text("x", encoding="utf-8")
    (data / "link").symlink_to(other)
    assert empty_folder(data)
    assert (list(data.iterdir()), (other / "kept").read_text(encoding="utf-8")) == ([], "x")


def _backup(folder, name, content):
    (folder / name).mkdir(parents=True)
    (folder / name / "shop.dump").write_bytes(content)
    (folder / name / "manifest.json").write_text(json.dumps({"files": ["more than the dump" * 200]}), encoding="utf-8")
    os.utime(folder / name / "shop.dump", (1_000, 1_000))


def test_the_newest_backup_rots_and_looks_as_it_did(tmp_path):
    """Its bytes change; its size and times, its manifest, and older backups do not; one that is being made is none."""
    logical = tmp_path / "logical"
    _backup(logical, "20260101T000000Z", b"a" * 999)
    _backup(logical, "20260102T000000Z", b"b" * 999)
    (logical / ".making-20260103T000000Z").mkdir()
    DamageBackup().inject(SimpleNamespace(backups=str(tmp_path)))
    rotten = logical / "20260102T000000Z" / "shop.dump"
    assert sum(one != ord("b") for one in rotten.read_bytes()) == 16
    assert (rotten.stat().st_size, rotten.stat().st_mtime) == (999, 1_000)
    assert (logical / "20260101T000000Z" / "shop.dump").read_bytes() == b"a" * 999


def test_a_stack_without_backups_has_none_to_damage(tmp_path):
    """It is said where none was found."""
    with pytest.raises(FileNotFoundError, match="there is no logical backup in"):
        DamageBackup().inject(SimpleNamespace(backups=str(tmp_path)))


def test_a_statement_that_is_held_leaves_its_transaction_open():
    """It has its locks before anybody is told, and no COMMIT follows."""
    script = held("LOCK TABLE stock IN ACCESS EXCLUSIVE MODE;")
    assert script.startswith("BEGIN; LOCK TABLE stock IN ACCESS EXCLUSIVE MODE;\n\\echo the lock is held\n")
    assert "COMMIT" not in script


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Deploy("api", {}), "variables holds texts"),
        (lambda: Deploy("api", {"A": 1}), "variables holds texts"),
        (lambda: Sql("postgres", " "), "statement is empty"),
        (lambda: JunkFile("postgres", path="data"), "path must be"),
        (lambda: JunkFile("postgres", path="/data", name="../etc/passwd"), "below path"),
        (lambda: JunkFile("postgres", path="/data", name="/etc/passwd"), "below path"),
    ],
)
def test_values_that_make_no_sense_are_refused(make, says):
    """Where they are made, with what is allowed."""
    with pytest.raises(ValueError, match=says):
        make()
