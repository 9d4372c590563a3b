"""The page of a drill and its picture, from run folders whose truth is known."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from harness.analysis.objectives import timed
from harness.analysis.series import series
from harness.analysis.writes import Ledger, Request, judge
from harness.drill.records.learnings import Learning
from harness.drill.writes import LEDGER
from harness.history import read
from harness.record import Mark, Outcome
from harness.report import drill_page
from harness.report.charts import drill as charts
from harness.report.drill_evidence import evidence
from harness.report.drill_titles import lost, seconds, served
from harness.store import RunFolder
from tests.drills import DISASTER_S, END_S, SERVED_S, drill_folder, drill_marks

SCHEMA = Path(__file__).parents[2] / "docs" / "drill-record.schema.json"
TODAY = date(2026, 12, 5)


@pytest.fixture(scope="module")
def drilled(tmp_path_factory):
    """A drill that lost nine writes of 1.8 s and was served again after 51.2 s, with its page."""
    folder, body = drill_folder(tmp_path_factory.mktemp("drills"))
    drill_page.build(folder, {**body, "seq": 7}, (), TODAY)
    return folder, body


def test_the_page_says_what_a_manager_asks(drilled):
    """Verdict, time to recover, data lost, the five counts, each against its objective; and alone in its file."""
    folder, body = drilled
    page = folder.report.read_text(encoding="utf-8")
    for said in ("<strong>51.2 s</strong>", "RTO objective 60 s", "<strong>1.8 s</strong>", "RPO objective 5 s"):
        assert said in page
    for count in ("155", "9", "0", "256"):
        assert f"<strong>{count}</strong>" in page
    assert '<p class="word pass">pass</p>' in page
    assert "record 7 of the chain" in page
    assert "The evidence is not as it was" not in page
    assert "7 of 7 steps executed" in page
    title = "Served again 51.2 s after the disaster, within the RTO of 60 s; 9 of 164 acknowledged writes lost, "
    assert title + "the oldest 1.8 s old, within the RPO of 5 s" in page
    assert "src=" not in page
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate(body, {**schema, "oneOf": [{"$ref": "#/$defs/drillBody"}]})


def test_the_same_drill_gives_the_same_bytes(drilled):
    """Page and pictures."""
    folder, body = drilled
    files = [folder.report, folder.charts / "timeline.png", folder.charts / "timeline.svg"]
    before = [one.read_bytes() for one in files]
    drill_page.build(folder, {**body, "seq": 7}, (), TODAY)
    assert [one.read_bytes() for one in files] == before


def _page(folder: RunFolder, body: dict, learnings=()) -> str:
    return drill_page.page(body, evidence(folder, body), None, learnings, TODAY)


def test_a_drill_that_failed_names_its_step(tmp_path):
    """What it was not able to do is no number; what was never reached is not called done."""
    folder, body = drill_folder(tmp_path, fails_at="restore")
    page = _page(folder, body)
    assert "<strong>not recovered</strong>" in page
    assert "4 of 7 steps executed, failed at <strong>restore</strong>" in page
    assert page.count("never reached") == 3


def test_writes_that_were_not_read_back_are_not_nothing(tmp_path):
    """The page does not say that no data was lost."""
    folder, body = drill_folder(tmp_path, found=False)
    page = _page(folder, body)
    assert "<strong>not known</strong>" in page
    assert "nothing</strong>" not in page
    assert "<span>could not be read back</span>" in page
    assert "no clear answer</span>" not in page
    assert "The evidence" not in page


def test_the_page_says_that_nobody_thinks_in_a_drill(drilled):
    """Its time to recover has its answers beforehand."""
    assert "A decision takes no time in a drill" in _page(*drilled)


def test_learnings_are_there_with_who_and_when(drilled):
    """One that is open after its day is overdue."""
    folder, body = drilled
    told = [Learning(3, 7, "database-loss", "Copy less", "dba", day, "open") for day in (TODAY, date(2026, 12, 4))]
    page = _page(folder, body, told)
    assert page.count('<span class="overdue">overdue</span>') == 1
    assert "dba, by 2026-12-05" in page


def test_what_came_from_outside_is_escaped(drilled):
    """A text is a text, whoever wrote it."""
    folder, body = drilled
    evil = "<script>alert(1)</script>"
    told = [Learning(3, 7, evil, evil, evil, None, "closed")]
    spoilt = {**body, "objective": evil, "drill": evil, "deviations": [evil], "participants": {evil: evil}}
    spoilt |= {"verdict": {"word": "pass", "sentence": evil, "step": evil}, "exclusions": evil}
    assert evil not in _page(folder, spoilt, told)


def test_a_folder_that_was_changed_since_is_told_of(tmp_path):
    """The numbers stay those of the record, and the page says where the folder disagrees."""
    folder, body = drill_folder(tmp_path)
    ledger = folder.path / LEDGER
    lines = ledger.read_text(encoding="utf-8").splitlines()
    kept = [one for one in lines if not 18 <= json.loads(one).get("started_s", 0) < DISASTER_S][:-1]
    ledger.write_text("\n".join([*kept, json.dumps({"ended": True, "requests": len(kept)})]), encoding="utf-8")
    page = _page(folder, body)
    assert "The count of lost writes was 9 when the record was signed, and is 0" in page
    assert "<strong>9</strong>" in page


@pytest.mark.parametrize("gone", ["manifest.json", "samples.arrow", "marks.jsonl", "writes.jsonl", "found.json"])
def test_a_folder_that_is_not_whole_has_a_page(tmp_path, gone):
    """The record is what counts; what is left of the evidence is shown, and what is not is said."""
    folder, body = drill_folder(tmp_path)
    (folder.path / gone).unlink()
    seen = evidence(folder, body)
    page = drill_page.page(body, seen, None, ())
    assert "<strong>51.2 s</strong>" in page
    assert bool(seen.warnings) == (gone != "samples.arrow")


def test_a_drill_that_was_aborted_has_a_page(tmp_path):
    """Even where it never came to its disaster."""
    folder, body = drill_folder(tmp_path)
    folder.marks.write_text("", encoding="utf-8")
    body |= {"aborted": True, "writes": None, "runbook": None, "checks": [], "timeline": []}
    body |= {"actual": {"rpo_s": None, "rto_s": None, "phases": {}}}
    body |= {"verdict": {"word": "unknown", "sentence": "aborted: the harness was killed", "step": None}}
    page = _page(folder, body)
    assert '<p class="word aborted">aborted</p>' in page
    assert "not recovered" not in page
    assert "The evidence" not in page


@pytest.mark.parametrize(("rto_s", "how"), [(60, "within the RTO of 60 s"), (45, "6.2 s past the RTO of 45 s")])
def test_the_title_holds_the_time_against_its_objective(rto_s, how):
    """In one sentence."""
    assert served(timed(drill_marks()), rto_s) == f"Served again 51.2 s after the disaster, {how}"


def test_the_title_of_a_drill_that_was_not_recovered_says_so():
    """Given up, or only not seen, or nothing had happened."""
    assert served(timed(drill_marks(fails_at="fetch")), 60) == "Not served again: given up 13.1 s after the disaster"
    assert served(timed(drill_marks(served_s=None)), 60) == "Not served again in the 64.0 s that were seen"
    assert served(None, 60) == "No disaster happened"


def test_the_title_says_what_was_lost():
    """And never that nothing was where nobody knows."""
    sent = [Request("k-a", "POST /x", 5, 5, 5, Outcome.OK, 200), Request("k-b", "POST /x", 30, 30, 30, Outcome.OK, 200)]
    by_found = {None: "what was lost is not known", ("k-a", "k-b"): "none of 2 acknowledged writes lost"}
    by_found[("k-b",)] = "1 of 2 acknowledged writes lost, the oldest 15.0 s old, outside the RPO of 5 s"
    by_found[("k-a",)] = "1 of 2 acknowledged writes lost, all of them after the disaster"
    for found, said in by_found.items():
        there = None if found is None else dict.fromkeys(found, 1)
        assert lost(judge(Ledger(tuple(sent)), there, DISASTER_S), 5) == said
    assert lost(None, 5) == "writes were not followed"


def test_times_are_said_as_people_say_them():
    """Tenths where they tell, and no more digits than that."""
    assert [seconds(one) for one in (0.04, 12.34, 99.94, 99.96, 215.4, 3660)] == [
        "0.0 s",
        "12.3 s",
        "99.9 s",
        "100 s",
        "215 s",
        "61 min",
    ]


def _crowded() -> list[Mark]:
    """Everything happens at once, in a long run."""
    marks = [Mark("disaster", DISASTER_S), Mark("detected", DISASTER_S + 0.2)]
    for number, phase in enumerate(("decide", "fetch", "restore", "verify")):
        began_s = DISASTER_S + 0.4 + number * 0.6
        marks += [Mark("step_began", began_s, {"step": phase, "phase": phase})]
        marks += [Mark("step_ended", began_s + 0.5, {"step": phase, "phase": phase})]
    return [*marks, Mark("served", DISASTER_S + 3.4), Mark("end", END_S)]


@pytest.mark.parametrize("marks", [drill_marks(), drill_marks(fails_at="restore"), _crowded()])
def test_no_name_in_the_picture_covers_another(drilled, marks):
    """Of moments and phases, however close together they are."""
    load = series(read(drilled[0]))
    lost_at = charts.Lost(DISASTER_S - 0.01, DISASTER_S - 0.01, "1,204 writes lost")
    drawn = charts.timeline(load, timed(marks), lost_at, 4.0, END_S, "A title")
    drawn.draw_without_rendering()
    boxes = [(one.get_text(), one.get_window_extent()) for axis in drawn.axes for one in axis.texts]
    assert {"disaster", "1,204 writes lost", "RTO objective 4 s"} <= {text for text, _ in boxes}
    for index, (text, box) in enumerate(boxes):
        for other, beside in boxes[:index]:
            assert not box.shrunk(0.9, 0.8).overlaps(beside.shrunk(0.9, 0.8)), (text, other)


def test_the_picture_shows_the_moments_on_one_axis(drilled):
    """The disaster, the objective and the first good second are where they were; a loss of a moment has a width."""
    load = series(read(drilled[0]))
    at = charts.Lost(19.5, 19.5, "1 write lost")
    drawn = charts.timeline(load, timed(drill_marks()), at, 60.0, END_S, "A title")
    upper, lower = drawn.axes
    assert upper.get_xlim() == lower.get_xlim() == (0, END_S)
    for axis in drawn.axes:
        assert {float(one.get_xdata()[0]) for one in axis.lines} == {DISASTER_S, SERVED_S, DISASTER_S + 60}
        assert any(patch.get_width() > 0.2 and patch.get_x() < 19.5 for patch in axis.patches)
    later = charts.timeline(load, timed(drill_marks()), None, 600.0, END_S, "A title")
    assert len(later.axes[0].lines) == 2


def test_nothing_is_drawn_of_a_load_that_is_gone(tmp_path):
    """A drill without a sample has a page without a picture, written where it belongs."""
    folder, body = drill_folder(tmp_path)
    folder.samples.unlink()
    drill_page.build(folder, body)
    assert "No request of this drill is left to draw." in folder.report.read_text(encoding="utf-8")
    assert not folder.charts.exists()
