"""Drills whose harness was killed: the next verb records them as aborted, once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.drill import underway
from harness.drill.records import chain
from harness.history import MarkWriter
from harness.store import create

ROOT = Path(__file__).parents[2]
BEGINS = """
import json, subprocess, sys, time
from pathlib import Path
from harness.drill import underway
note = underway.begin(Path(sys.argv[1]), json.loads(sys.argv[3]), Path(sys.argv[2]))
print(subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL).pid, flush=True)
time.sleep(60)
"""
OPENING = {
    "drill": "down",
    "objective": "It comes back.",
    "scope": "all",
    "exclusions": [],
    "environment": {"stack": "embedded", "images": {}, "versions": {}, "commit": ""},
    "objectives": {"rto_s": 30.0, "rpo_s": 0.0},
    "alert": "Down",
    "detected_within_s": 5.0,
    "keeps_writes": True,
    "participants": {},
    "sabotage": "",
    "started_at": "2026-11-29T22:11:33.000+00:00",
}


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """(reports/drills, the note, the folder of backups) of a drill that had just begun a step."""
    monkeypatch.setenv("HARNESS_DRILL_KEY", str(tmp_path / "key.pem"))
    drills = tmp_path / "reports" / "drills"
    folder = create(drills, "down")
    backups = tmp_path / f"{underway.BACKUPS}x"
    backups.mkdir()
    marks = MarkWriter(folder.marks)
    marks.write("zero", 0.0, utc="2026-11-29T22:11:40.000+00:00")
    marks.write("disaster", 8.0)
    marks.write("step_began", 9.0, step="restore", section="procedure", phase="restore")
    marks.close()
    opening = {**OPENING, "id": f"down/{folder.path.name}", "folder": f"down/{folder.path.name}"}
    return drills, underway.begin(drills, opening, backups), backups


def test_a_drill_that_goes_on_is_left_alone(begun):
    """Its harness lives: it writes its own record."""
    drills, note, backups = begun
    assert underway.close_abandoned(drills, print) == 0
    assert (note.path.exists(), backups.exists(), chain.read_chain(drills)) == (True, True, [])


def test_a_drill_whose_harness_is_gone_is_recorded_as_aborted_once(begun):
    """With where it was, by whoever comes next; its backups go, and who comes after finds nothing to do."""
    drills, note, backups = begun
    note.held.close()
    said: list[str] = []
    assert underway.close_abandoned(drills, said.append) == 1
    assert underway.close_abandoned(drills, said.append) == 0
    (record,) = chain.read_chain(drills)
    assert (record.body["aborted"], record.body["verdict"]["word"]) == (True, "unknown")
    assert (record.body["verdict"]["step"], "killed" in record.body["verdict"]["sentence"]) == ("restore", True)
    assert (note.path.exists(), backups.exists(), len(said)) == (False, False, 1)


def test_a_drill_lives_as_long_as_its_harness_whoever_looks_and_whatever_it_started(begun):
    """By a lock, and not by the number of a process, which in another container is somebody else's; what the harness
    has started and left behind does not hold it."""
    drills, note, backups = begun
    underway.end(note)
    opening = json.dumps({**OPENING, "id": "down/2", "folder": "down/2"})
    given = [sys.executable, "-c", BEGINS, str(drills), str(backups), opening]
    process = subprocess.Popen(given, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    try:
        (path,) = drills.glob(".running-*.json")
        assert "process" not in json.loads(path.read_text(encoding="utf-8"))
        assert underway.close_abandoned(drills, print) == 0
        process.kill()
        process.communicate(timeout=20)
        assert underway.close_abandoned(drills, print) == 1
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_folder_that_is_not_a_drills_own_is_never_removed(tmp_path):
    """Whatever a note says."""
    other = tmp_path / "backups"
    other.mkdir()
    underway.remove_backups(other)
    assert other.exists()
