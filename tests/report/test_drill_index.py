"""The page of all drills, from a real chain of records."""

from __future__ import annotations

import re
import shutil
from datetime import date

import pytest

from harness.drill.records import chain, learnings
from harness.errors import HarnessError
from harness.report.drill_index import build_index, show_learning
from tests.drills import drill_folder

TODAY = date(2026, 12, 5)


@pytest.fixture(scope="module")
def drills(tmp_path_factory):
    """Three drills of two names: one failed, one whose run folder is gone; a follow-up that is late."""
    folder = tmp_path_factory.mktemp("drills")
    patched = pytest.MonkeyPatch()
    patched.setenv("HARNESS_DRILL_KEY", str(folder / "key.pem"))
    for name, utc, more in (
        ("database-loss", "20260901T101133Z", {"fails_at": "restore"}),
        ("postgres-down", "20261001T101133Z", {"loses": False}),
        ("database-loss", "20261129T221133Z", {}),
    ):
        made, body = drill_folder(folder, name, utc, **more)
        chain.append(folder, "drill", body, say=lambda _: None)
        if name == "postgres-down":
            shutil.rmtree(made.path)
    learnings.learn(folder, 1, "Copy less <b>of it</b>", owner="dba", due="2026-10-01")
    learnings.learn(folder, 3, "The runbook says twenty seconds", owner="platform", due="2027-01-31")
    build_index(folder, TODAY, pages=range(10))
    yield folder
    patched.undo()


def test_all_drills_are_there_the_newest_first(drills):
    """Failed ones too, and those whose evidence was thrown away."""
    page = (drills / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"record (\d)(?:;|</p>)", page) == ["3", "2", "1"]
    assert "Of 2 drills 2 passed when run last; 2 follow-ups open, 1 of them overdue." in page
    assert "its run folder is gone" in page
    assert "1.8 s, objective 5 s" in page
    assert "not recovered, objective 60 s" in page
    assert "&lt;b&gt;of it&lt;/b&gt;" in page


def _index_of(folder, monkeypatch, **changed):
    monkeypatch.setenv("HARNESS_DRILL_KEY", str(folder / "key.pem"))
    _, body = drill_folder(folder, found=changed.pop("found", True))
    chain.append(folder, "drill", {**body, **changed}, say=lambda _: None)
    return build_index(folder, TODAY).read_text(encoding="utf-8")


def test_a_page_that_was_not_made_is_no_folder_that_is_gone(tmp_path, monkeypatch):
    """It says what makes it."""
    page = _index_of(tmp_path / "drills", monkeypatch, aborted=True)
    assert "its run folder is gone" not in page
    said = f"harness report {tmp_path.name}/drills/database-loss/20261129T221133Z makes it"
    assert f"its page was not made: {said}" in page


def test_a_sabotaged_drill_is_said_as_such_and_is_no_failure(tmp_path, monkeypatch):
    """Nor one of the drills that are counted; with what it was run besides."""
    checks = [{"name": "sabotage", "word": "pass", "sentence": "that was noticed"}]
    changed = {"verdict": {"word": "fail", "sentence": "that was noticed", "step": "restore"}, "checks": checks}
    variables = {"WEAKNESS": "slow-leak"}
    page = _index_of(tmp_path / "drills", monkeypatch, sabotage="restore", variables=variables, **changed)
    assert "sabotaged: step restore, noticed; with WEAKNESS=slow-leak" in page
    assert '<span class="word sabotaged">' in page
    assert "failed: database-loss" not in page


def test_writes_that_were_not_read_back_are_said_as_such_in_the_index(tmp_path, monkeypatch):
    """And not as so many that had no clear answer."""
    assert "<dd>could not be read back</dd>" in _index_of(tmp_path / "drills", monkeypatch, found=False)


def test_each_drill_has_its_latest_picture(drills):
    """As an image in which nothing runs; the page that it leads to knows its learnings."""
    page = (drills / "report.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/svg+xml;base64,') == 1
    linked = drills / "database-loss" / "20260901T101133Z" / "report.html"
    assert str(linked.relative_to(drills)) in page
    assert "Copy less" in linked.read_text(encoding="utf-8")
    assert "overdue" in linked.read_text(encoding="utf-8")


def test_a_learning_is_shown_at_once(drills, tmp_path):
    """On the page of its drill and on that of all; closed, it is open no more."""
    copy = tmp_path / "drills"
    shutil.copytree(drills, copy)
    show_learning(copy, learnings.learn(copy, 3, "Practise by night").seq)
    linked = copy / "database-loss" / "20261129T221133Z" / "report.html"
    assert "Practise by night" in linked.read_text(encoding="utf-8")
    assert "Practise by night" in (copy / "report.html").read_text(encoding="utf-8")
    show_learning(copy, learnings.close(copy, 5).seq)
    assert '2027-01-31: <span class="">closed' in linked.read_text(encoding="utf-8")


def test_the_same_chain_gives_the_same_page(drills):
    """On the same day."""
    before = (drills / "report.html").read_bytes()
    assert build_index(drills, TODAY).read_bytes() == before


def test_a_chain_that_was_changed_is_said_before_anything_else(drills, tmp_path):
    """The sound records are shown, and the word is fail."""
    copy = tmp_path / "drills"
    shutil.copytree(drills, copy)
    record = copy / "records" / "000002.json"
    record.write_bytes(record.read_bytes().replace(b"postgres-down", b"postgres-fine"))
    page = build_index(copy, TODAY).read_text(encoding="utf-8")
    assert page.index("The chain is not as it should be") < page.index("All drills")
    assert '<p class="word fail">' in page
    assert "postgres-fine" not in page.partition("All drills")[2]


def test_a_record_that_is_none_is_told_of(drills, tmp_path):
    """And hides none of the others."""
    copy = tmp_path / "drills"
    shutil.copytree(drills, copy)
    chain.append(copy, "drill", {"drill": "strange"}, say=lambda _: None)
    page = build_index(copy, TODAY).read_text(encoding="utf-8")
    assert "record 6 is no whole record of a drill: it lacks started_at" in page
    assert "record 3" in page


def test_no_chain_is_an_error_that_says_how_one_begins(tmp_path):
    """There is nothing to show."""
    with pytest.raises(HarnessError, match="harness drill run"):
        build_index(tmp_path, TODAY)
