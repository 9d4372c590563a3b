"""Which drill is due: by its last good record, and by nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from harness.drill.records.due import Planned, due
from harness.drill.records.planned import days, planned_in
from harness.drill.records.sealed import Record
from harness.errors import HarnessError
from tests.drill.records.chains import body, failed

PLANNED = (Planned("database-loss", 92),)


def _records(*bodies):
    return [Record(seq, "drill", one, "", "", "") for seq, one in enumerate(bodies, 1)]


def _ended(at, made=body, **changed):
    return made(ended_at=at, **changed)


def _due(records, at, planned=PLANNED):
    return due(planned, records, datetime.fromisoformat(at).replace(tzinfo=UTC))


def test_a_drill_is_due_the_day_after_its_period():
    """92 days after 1 September is 2 December: well on that day, due on the next."""
    records = _records(_ended("2026-09-01T10:17:00Z"))
    (one,) = _due(records, "2026-12-02T23:59:59")
    assert (one.is_due, one.next, one.sentence) == (
        False, date(2026, 12, 2), "last good 2026-09-01, record 1; next by 2026-12-02"
    )  # fmt: skip
    (one,) = _due(records, "2026-12-03T00:00:00")
    assert (one.is_due, one.sentence) == (True, "last good 2026-09-01, record 1; was due 2026-12-02")


@pytest.mark.parametrize(
    "other",
    [
        failed(ended_at="2026-11-01T00:00:00Z"),
        _ended("2026-11-01T00:00:00Z", verdict={"word": "unknown", "sentence": "no ledger", "step": None}),
        _ended("2026-11-01T00:00:00Z", aborted=True),
        _ended("2027-11-01T00:00:00Z"),
        _ended("yesterday"),
        _ended("2026-11-01T00:00:00Z", drill="region-loss"),
        _ended("2026-11-01T00:00:00Z", verdict="pass"),
    ],
    ids=["failed", "unknown", "aborted", "of the future", "without a time", "another drill", "no verdict"],
)
def test_only_a_drill_that_passed_counts(other):
    """Whatever came after it moves no day."""
    (one,) = _due(_records(_ended("2026-09-01T10:17:00Z"), other), "2026-12-03T00:00:00")
    assert (one.is_due, one.good.seq) == (True, 1)


def test_the_newest_good_one_counts_whatever_its_place():
    """An aborted drill may be recorded after a later one."""
    records = _records(_ended("2026-11-01T00:00:00+00:00"), _ended("2026-09-01T10:17:00Z"))
    (one,) = _due(records, "2026-12-03T00:00:00")
    assert (one.is_due, one.good.seq) == (False, 1)


def test_a_drill_that_never_passed_is_due_and_says_why():
    """Without a record, or with a failed one, since the last day of the chain."""
    records = _records(failed("region-loss", ended_at="2026-09-01T10:17:00Z"))
    found = _due(records, "2026-10-01T00:00:00", (Planned("bad-deploy", 92), Planned("region-loss", 92)))
    assert [(one.name, one.is_due, one.next, one.sentence) for one in found] == [
        ("bad-deploy", True, date(2026, 9, 1), "never passed"),
        ("region-loss", True, date(2026, 9, 1), "never passed; record 1 did not pass: the restore failed"),
    ]


def test_a_sabotaged_drill_counts_neither_as_good_nor_as_bad():
    """What comes after a good one is not told as a failure."""
    records = _records(
        _ended("2026-09-01T10:17:00Z"), failed(sabotage="restore"), _ended("2026-11-01T00:00:00Z", sabotage="x")
    )
    (one,) = _due(records, "2026-11-02T00:00:00")
    assert one.sentence == "last good 2026-09-01, record 1; next by 2026-12-02"


def test_a_failure_after_a_good_one_is_told():
    """It is not due yet, and whoever reads it should know."""
    records = _records(_ended("2026-09-01T10:17:00Z"), failed())
    assert _due(records, "2026-10-01T00:00:00")[0].sentence.endswith("; record 2 did not pass")


@pytest.mark.parametrize(("given", "number"), [("92d", 92), ("13w", 91), ("7", 7)])
def test_a_period_is_days_or_weeks(given, number):
    """As people write them."""
    assert days(given) == number


@pytest.mark.parametrize("given", ["0d", "-1d", "1h", "d", "99999d", "9.5d", ""])
def test_what_is_no_period_is_refused(given):
    """With an example."""
    with pytest.raises(HarnessError, match="such as 92d or 13w"):
        days(given)


DRILL = """
from harness import Drill, Kill, Load
load = Load("shop.py", rate_per_s=2)
drill = Drill(objective="back", load=load, disaster=(Kill("postgres"),), runbook="x", rto_s=9{})
"""


def test_drills_and_their_periods_come_from_their_files(tmp_path):
    """By the file's name, a quarter where it says nothing; one for all where it is given."""
    (tmp_path / "a-year.py").write_text(DRILL.format(", period_days=365"))
    (tmp_path / "quarter.py").write_text(DRILL.format(""))
    (tmp_path / "_shared.py").write_text("")
    assert planned_in(tmp_path) == [Planned("a-year", 365), Planned("quarter", 92)]
    assert planned_in(tmp_path, 31) == [Planned("a-year", 31), Planned("quarter", 31)]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", r"broken\.py defines no drill"),
        ("drill = 5", r"broken\.py .*drill"),
        ("raise SystemExit(0)", r"broken\.py"),
        ("drill = ", r"broken\.py"),
    ],
)
def test_a_file_that_is_no_drill_is_named(tmp_path, source, says):
    """Nobody thinks that all is well because a file was passed over."""
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(HarnessError, match=says):
        planned_in(tmp_path)
    with pytest.raises(HarnessError, match="nothing does not exist"):
        planned_in(tmp_path / "nothing")
