"""The folder of backups, the verifier's own heartbeat, freshness, and the alert; no server."""

from __future__ import annotations

import fcntl
import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from harness.backup import alert, folder
from harness.backup.judge import judge_beat
from harness.backup.manifest import Manifest
from harness.backup.report import Judgement, Report
from harness.cli import app
from harness.errors import BackupError
from harness.record import Word

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BEAT = ("2026-11-29T11:00:00.000000Z", "n1")


def _report(word=Word.PASS):
    return Report("shop.dump", "logical", (Judgement("restore", word, "so it is"),))


def _manifest(**more):
    return Manifest("logical", heartbeat={"at": BEAT[0], "nonce": BEAT[1], **more})


@pytest.mark.parametrize(
    ("beat", "manifest", "max_age_s", "word"),
    [
        (BEAT, None, 7200, Word.PASS),
        (BEAT, None, 3000, Word.FAIL),
        (BEAT, _manifest(), 7200, Word.PASS),
        (BEAT, _manifest(), None, Word.PASS),
        (BEAT, _manifest(nonce="n2"), 7200, Word.FAIL),
        (BEAT, _manifest(at="2026-11-29T11:30:00Z"), None, Word.FAIL),
        (None, _manifest(), None, Word.FAIL),
        (None, None, 7200, Word.UNKNOWN),
        (("2026-11-29T13:00:00Z", "n"), None, 7200, Word.UNKNOWN),
        (None, None, None, None),
        (BEAT, None, None, None),
    ],
)
def test_how_old_the_data_is_is_told_by_the_data(beat, manifest, max_age_s, word):
    """Too old fails, another than the manifest's fails, none at all is unknown where an age is asked for."""
    not_judged: dict[str, str] = {}
    found = list(judge_beat(beat, manifest, max_age_s, NOW, not_judged))
    assert [one.word for one in found] == ([word] if word else [])
    assert ("freshness" in not_judged) is (word is None)


def test_the_newest_whole_backup_is_the_latest(tmp_path):
    """One that is being made, one without a manifest and one whose manifest is none are passed over."""
    for kind, name, text in (
        ("logical", "20261129T100000Z", '{"schema": 1, "kind": "logical"}'),
        ("physical", "20261129T110000Z", '{"schema": 1, "kind": "physical"}'),
        ("logical", "20261129T120000Z", "{"),
        ("logical", ".making-20261129T130000Z", '{"schema": 1, "kind": "logical"}'),
    ):
        (tmp_path / kind / name).mkdir(parents=True)
        (tmp_path / kind / name / "manifest.json").write_text(text)
    (tmp_path / "logical" / "20261129T140000Z").mkdir()
    assert folder.latest(tmp_path).name == "20261129T110000Z"
    assert folder.latest(tmp_path, "logical").name == "20261129T100000Z"
    with pytest.raises(BackupError, match="no whole backup"):
        folder.latest(tmp_path / "physical")
    with pytest.raises(BackupError, match="allowed: logical, physical"):
        folder.latest(tmp_path, "logic")


def test_a_backup_that_is_verified_is_held(tmp_path):
    """By who makes them, with a lock that dies with its holder; a backup elsewhere needs none."""
    (tmp_path / "physical" / "one").mkdir(parents=True)
    lock = (tmp_path / folder.IN_USE).open("w")
    with lock, folder.in_use(tmp_path / "physical" / "one"), pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / folder.IN_USE).open() as lock, folder.in_use(tmp_path):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_verifier_that_fell_silent_is_told(tmp_path):
    """No note, an old one, one that is no pass, one from the future: each is a fail; also where the other kind passed
    since, or a kind is there that was never verified."""
    assert folder.check(tmp_path, 3600, NOW)[0] is False
    (tmp_path / folder.NOTE).write_text("{")
    assert "no verification" in folder.check(tmp_path, 3600, NOW)[1]
    folder.write_note(tmp_path, _report(), "logical", NOW - timedelta(minutes=30))
    assert folder.check(tmp_path, 3600, NOW)[0] is True
    assert "90 min ago" in folder.check(tmp_path, 3600, NOW + timedelta(hours=1))[1]
    assert "yet to come" in folder.check(tmp_path, 3600, NOW - timedelta(hours=2))[1]
    folder.write_note(tmp_path, _report(Word.FAIL), "logical", NOW)
    folder.write_note(tmp_path, _report(), "physical", NOW)
    assert folder.check(tmp_path, 3600, NOW) == (
        False,
        "the last verification of a logical backup is no pass but fail: restore: so it is",
    )
    folder.write_note(tmp_path, _report(), "logical", NOW)
    assert folder.check(tmp_path, 3600, NOW)[0] is True
    (tmp_path / folder.NOTE).unlink()
    folder.write_note(tmp_path, _report(), "logical", NOW)
    (tmp_path / "physical" / "20261129T100000Z").mkdir(parents=True)
    assert "no verification of a physical backup" in folder.check(tmp_path, 3600, NOW)[1]


def test_the_note_of_an_earlier_version_is_read_and_gone_on_with(tmp_path):
    """Its one verification is of the kind in whose folder its backup lay, and of none where it lay elsewhere; that ends
    when one passes."""
    body = {"at": NOW.isoformat(), "word": "fail", "sentence": "so", "passed": {"logical": "1"}}
    for backup, kind, after in (("/b/physical/2", "physical", {"physical", "logical"}), ("x", "", {"logical"})):
        (tmp_path / folder.NOTE).write_text(json.dumps({**body, "backup": backup}))
        noted = folder.read_notes(tmp_path)
        assert (noted.kinds[kind].word, noted.passed) == ("fail", {"logical": "1"})
        folder.write_note(tmp_path, _report(), "logical", NOW)
        noted = folder.read_notes(tmp_path)
        assert (set(noted.kinds), noted.passed) == (after, {"logical": "1"})


def test_what_is_resolved_is_what_fired(tmp_path, monkeypatch):
    """The same folder and kind, though it is of another backup; the other kind ends nothing of it. One of no kind ends
    when any passes."""
    sent = []
    monkeypatch.setattr(alert, "send", lambda _, body: sent.append(body) or "")

    def verified(kind, name, word):
        report = Report(str(tmp_path / kind / name), kind, (Judgement("restore", word, "so it is"),))
        monkeypatch.setattr("harness.backup.verify.verify", lambda *_, **__: report)
        asked = ["backup", "verify", report.backup, "--note", str(tmp_path), "--webhook", "http://a"]
        assert CliRunner().invoke(app, asked).exit_code in (0, 1)
        return [(one["status"], one["commonLabels"].get("kind"), one["groupKey"]) for one in sent]

    (fired,) = verified("logical", "1", Word.FAIL)
    assert fired[:2] == ("firing", "logical")
    assert verified("physical", "2", Word.PASS) == [fired]
    assert verified("logical", "3", Word.PASS) == [fired, ("resolved", *fired[1:])]
    assert sent[0]["alerts"][0]["fingerprint"] == sent[1]["alerts"][0]["fingerprint"]
    verified("", "4", Word.FAIL)
    assert [one[:2] for one in verified("physical", "5", Word.PASS)[2:]] == [("firing", None), ("resolved", None)]


def test_an_alert_is_what_alertmanager_sends():
    """Firing and resolved are one alert; its time is the time of it."""
    fired, ended = (alert.message("BackupNotRestorable", "one", "why", NOW, resolved=one) for one in (False, True))
    assert fired["version"] == "4"
    assert fired["alerts"][0]["fingerprint"] == ended["alerts"][0]["fingerprint"]
    assert (fired["alerts"][0]["endsAt"], ended["status"]) == (alert.NEVER, "resolved")
    assert json.dumps(fired)
    with pytest.raises(BackupError, match="http or https"):
        alert.send("file:///etc/passwd", fired)


def test_what_could_not_be_judged_is_said_in_a_pass_and_makes_none_unknown():
    """A whole backup without a manifest is not unknown for ever."""
    report = Report("a", "logical", (Judgement("restore", Word.PASS, ""),), not_judged={"row counts": "no manifest"})
    assert report.word is Word.PASS
    assert report.sentence == "all 1 judgements pass; not judged: row counts"


def test_a_backup_that_is_not_there_at_all_is_a_failed_verification(tmp_path):
    """As cron asks where `backup latest` found none; it is noted as that, and not as one of the folder it is run in."""
    for kind in ("", "logical"):
        done = CliRunner().invoke(app, ["backup", "verify", "", "--note", str(tmp_path), "--kind", kind])
        assert done.exit_code == 1
        assert "fail: recognise: no backup is named" in done.output
        noted = folder.read_notes(tmp_path).kinds[kind]
        assert (noted.word, noted.backup) == ("fail", "")


def test_which_passed_last_stays_noted(tmp_path):
    """By kind; one that fails after it does not take its place, and neither does a backup of another folder."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    for one in (mine, other):
        one.mkdir()
    passed = []
    for place, word in (
        (mine / "logical/1", Word.PASS),
        (mine / "physical/2", Word.PASS),
        (mine / "logical/3", Word.FAIL),
        (other / "logical/4", Word.PASS),
        (mine / "logical/5", Word.PASS),
    ):
        report = Report(str(place), place.parent.name, (Judgement("restore", word, "so it is"),))
        folder.write_note(mine, report, folder.kind_of(mine, report), NOW)
        passed.append(dict(folder.read_notes(mine).passed))
    first = {"logical": "1", "physical": "2"}
    assert passed == [{"logical": "1"}, first, first, first, {**first, "logical": "5"}]
