"""The published schema fits what is written, and refuses what is not a record."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from harness.drill.body import close as close_body
from harness.drill.body import opening
from harness.drill.loader import load
from harness.drill.records.learnings import close, learn
from harness.record import Word
from harness.runbook.model import Execution, StepResult
from harness.store import create
from tests.drill.records.chains import body, file_of

VARIABLES = {"WEAKNESS": "slow-leak", "BACKUP_EVERY_S": "20", "BACKUPS": "/away", "RELEASE": ""}
ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "drill-record.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator():
    """Of the schema as it is published."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


def _body_of(kind):
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}Body", "$defs": SCHEMA["$defs"]})


def test_every_file_that_is_written_fits_the_schema(five, validator):
    """Drills, learnings, follow-ups, what closes them, and the head."""
    learn(five, 1, "noted")
    close(five, learn(five, 1, "keep two dumps", owner="ana", due="2026-12-31").seq)
    paths = [*sorted((five / "records").iterdir()), five / "head.json"]
    assert len(paths) == 9
    for path in paths:
        validator.validate(json.loads(path.read_text(encoding="utf-8")))


def test_an_execution_of_a_runbook_fits_the_schema():
    """As the runbook's own part writes it."""
    step = StepResult("restore", "procedure", "restore", Word.FAIL, "exit 1", 0, 2_500_000_000, 1)
    execution = Execution("postgres-down", "ab" * 32, (step,), failed_at="restore").to_json()
    _body_of("drill").validate(json.loads(json.dumps(body(runbook=execution))))


def test_a_drill_that_was_killed_fits_the_schema(tmp_path):
    """As it is recorded from what is left of it."""
    begun = {**body(), "alert": "Down", "detected_within_s": 5.0, "keeps_writes": True, "sabotage": ""}
    made = close_body(create(tmp_path, "database-loss"), begun).body
    assert made["aborted"]
    _body_of("drill").validate(json.loads(json.dumps(made)))


def test_a_record_holds_what_its_verdict_hung_on(tmp_path, monkeypatch):
    """What was to be served, what had to be there before, and which files that was; who ran it, also by a number."""
    monkeypatch.setattr("getpass.getuser", lambda: {}["no such user"])
    loaded = load(ROOT / "drills" / "database-loss.py")
    locustfile = ROOT / "locustfiles" / "shop.py"
    spec = SimpleNamespace(services={}, path=Path("docker-compose.yml"), variables=VARIABLES)
    monkeypatch.setenv("WEAKNESS", "slow-leak")
    begun = opening(loaded, locustfile, spec, "embedded", create(tmp_path, "database-loss"), tmp_path, "")
    made = close_body(create(tmp_path, "database-loss"), begun).body
    _body_of("drill").validate(json.loads(json.dumps({**made, "evidence": {}})))
    assert made["files"] == {
        "drill": hashlib.sha256(loaded.path.read_bytes()).hexdigest(),
        "locustfile": hashlib.sha256(locustfile.read_bytes()).hexdigest(),
    }
    assert made["variables"] == {"WEAKNESS": "slow-leak", "BACKUP_EVERY_S": "20"}
    assert made["deviations"] == ["with WEAKNESS=slow-leak, given by the environment"]
    assert (made["criteria"]["ok_ratio_min"], made["criteria"]["before"]) == (0.95, loaded.drill.before)
    assert made["participants"]["conducted by"] == f"uid {os.getuid()}"
    assert made["environment"]["commit"] == made["environment"]["harness_commit"]
    for name, bad in (("criteria", {}), ("files", {}), ("variables", {"WEAKNESS": 1}), ("sabotage", None)):
        assert not _body_of("drill").is_valid({**made, "evidence": {}, name: bad}), name


@pytest.mark.parametrize(
    "changed", [{"runbook": None}, {"writes": None}, {"actual": {**body()["actual"], "rto_s": None}}]
)
def test_a_drill_that_was_cut_short_fits_the_schema(changed):
    """What was never begun or measured is null."""
    verdict = {"word": "fail", "sentence": "aborted", "step": None}
    _body_of("drill").validate(body(aborted=True, verdict=verdict, **changed))


def test_a_drill_without_any_one_member_does_not_fit():
    """All of them are asked for, but the hashes of the evidence."""
    for name in body():
        if name == "evidence":
            continue
        less = {key: value for key, value in body().items() if key != name}
        assert not _body_of("drill").is_valid(less), name


@pytest.mark.parametrize(
    "changed",
    [
        {"aborted": True},
        {"verdict": {"word": "good", "sentence": "", "step": None}},
        {"started_at": "yesterday"},
        {"ended_at": "2026-09-01T10:17:00+02:00"},
        {"writes": {**body()["writes"], "lost": -1}},
        {"writes": {"kept": 1}},
        {"objectives": {"rpo_s": "five", "rto_s": 1}},
        {"folder": "/home/somebody/run"},
        {"checks": [{"name": "rto", "word": "ok", "sentence": ""}]},
        {"runbook": {**body()["runbook"], "steps": [{"id": "restore"}]}},
    ],
)
def test_a_drill_of_another_shape_does_not_fit(changed):
    """Among others one that was aborted and says that it passed."""
    assert not _body_of("drill").is_valid(body(**changed))


def test_a_record_of_another_shape_does_not_fit(five, validator):
    """No member more, none less, and each of its form."""
    found = json.loads(file_of(five, 1).read_text(encoding="utf-8"))
    for changed in ({"seq": 0}, {"seq": "1"}, {"kind": "head"}, {"schema": 2}, {"previous": "0"}, {"more": 1}):
        assert not validator.is_valid({**found, **changed}), changed
    for name in found:
        assert not validator.is_valid({key: value for key, value in found.items() if key != name}), name
