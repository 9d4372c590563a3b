"""The verbs of the records, as they are typed: what they say and how they end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.drill.records import chain
from tests.drill.records.chains import body, failed, file_of, grow
from tests.drill.records.test_due import DRILL


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one drill, and two records of it."""
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "database-loss.py").write_text(DRILL.format(", period_days=3650"))
    monkeypatch.chdir(tmp_path)
    grow(Path("reports/drills"), 2)
    return Path("reports/drills")


def _do(*words):
    """(exit code, what was said) of `harness drill` with these words."""
    result = CliRunner().invoke(app, ["drill", *words])
    error = result.exception
    return getattr(error, "exit_code", result.exit_code), f"{result.output}{error or ''}"


def test_verify_proves_a_chain_against_what_was_kept(project, tmp_path):
    """Exit 0 with its count, 1 with the first place and the others."""
    shutil.copy(project / "head.json", "kept.json")
    shutil.copy(project / "key.pub.pem", "kept.pem")
    assert _do("verify")[0] == 0
    code, said = _do("verify", "--head", "kept.json", "--key", "kept.pem")
    assert (code, said.startswith("✓ 2 records, each as it was signed by key ")) == (0, True)
    file_of(project, 2).unlink()
    code, said = _do("verify", "--head", "kept.json")
    assert (code, said.startswith("✗ record 2 is cut off at the end: head.json, signed ")) == (1, True)
    assert "also: record 2 is cut off at the end: kept.json, signed " in said


def test_verify_speaks_json(project):
    """For a program: word, sentence and places."""
    (project / "head.json").unlink()
    code, said = _do("verify", "--json")
    found = json.loads(said.rsplit("}", 1)[0] + "}")
    assert (code, found["word"], found["problems"][0]["place"]) == (1, "fail", "head.json")


def test_verify_where_nothing_is_or_with_a_wrong_file_is_a_mistake(project):
    """Exit 2, and never a traceback."""
    code, said = _do("verify", "--reports", "elsewhere")
    assert (code, "no records in elsewhere/drills" in said) == (2, True)
    for option in ("--head", "--key"):
        code, said = _do("verify", option, "drills/database-loss.py")
        assert (code, "drills/database-loss.py is " in said) == (2, True), said


def test_learn_writes_and_closes_a_follow_up(project):
    """Its record's number is said, by which it is closed."""
    code, said = _do("learn", "2", "keep two dumps", "--owner", "ana", "--due", "2026-01-01")
    assert (code, said) == (0, "record 3: learnt from the drill of record 2; ana follows it up until 2026-01-01\n")
    code, said = _do("due")
    assert code == 1
    assert "✗ follow-up 3, ana, was due 2026-01-01: keep two dumps (drill database-loss); " in said
    assert _do("learn", "--close", "3", "done") == (0, "record 4: follow-up 3 is closed\n")
    assert _do("due")[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        *([], ["keep two dumps"], ["five", "keep"], ["1", "two", "words"], ["--close", "3", "a", "b"]),
        *(["--close", "3", "--owner", "ana"], ["1", "text", "--state", "done"], ["9", "text"]),
    ],
)
def test_learn_refuses_what_it_cannot_mean(project, words):
    """Exit 2 with an example, and nothing is written."""
    assert _do("learn", *words)[0] == 2
    assert len(list((project / "records").iterdir())) == 2


def test_due_ends_with_1_where_a_drill_is_older_than_its_period(project):
    """Its own, or one for all; a failed drill makes it no younger."""
    assert _do("due")[0] == 0
    code, said = _do("due", "--period", "1d")
    assert (code, said.startswith("✗ database-loss        last good 2026-09-01, record 2; was due 2026-09-02")) == (
        1,
        True,
    )
    chain.append(project, "drill", failed(ended_at="2026-10-01T00:00:00Z"), say=lambda said: None)
    found = json.loads(_do("due", "--period", "4w", "--json")[1].rsplit("}", 1)[0] + "}")
    assert [(one["drill"], one["is_due"], one["good"], one["last"]) for one in found["drills"]] == [
        ("database-loss", True, 2, 3)
    ]


def test_a_drill_that_was_killed_is_recorded_by_the_next_verb(project):
    """verify, which may be an auditor's, only notes it; due writes that it was aborted."""
    begun = {**body("region-loss"), "alert": "Down", "detected_within_s": 5.0, "keeps_writes": False, "sabotage": ""}
    note = {"opening": begun, "backups": ""}
    (project / ".running-3.json").write_text(json.dumps(note), encoding="utf-8")
    code, said = _do("verify")
    assert (code, ".running-3.json: a drill was begun and has no record yet" in said) == (0, True)
    assert "record 3 says that it was aborted" in _do("due")[1]
    last = chain.read_chain(project)[-1]
    assert (last.seq, last.body["aborted"], last.body["verdict"]["word"]) == (3, True, "unknown")
    assert _do("verify")[1].count("has no record yet") == 0


def test_due_and_calendar_believe_no_chain_that_was_touched(project):
    """Exit 1, with the first place."""
    raw = file_of(project, 1).read_bytes()
    file_of(project, 1).write_bytes(raw.replace(b'"lost":3', b'"lost":0'))
    for verb in ("due", "calendar"):
        code, said = _do(verb)
        assert (code, "record 1 was changed after it was signed" in said) == (1, True), verb


def test_calendar_writes_the_same_file_again(project):
    """Byte for byte, to a file or to the terminal."""
    assert _do("calendar", "drills.ics") == (0, "drills.ics: 1 drills\n")
    first = Path("drills.ics").read_bytes()
    assert _do("calendar", "drills.ics")[0] == 0
    assert Path("drills.ics").read_bytes() == first
    assert CliRunner().invoke(app, ["drill", "calendar"]).stdout_bytes == first
    code, said = _do("calendar", "nowhere/drills.ics")
    assert (code, "cannot write nowhere/drills.ics" in said) == (2, True)
