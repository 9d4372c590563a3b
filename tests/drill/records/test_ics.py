"""The calendar is RFC 5545's, and the same chain gives the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.drill.records import chain
from harness.drill.records.due import Planned, due
from harness.drill.records.ics import calendar, fold
from harness.drill.records.learnings import learn, read
from tests.drill.records.chains import QUIET, body

PLANNED = (Planned("database-loss", 92), Planned("region-loss", 92))


def _calendar(folder, at="2026-10-01T00:00:00+00:00", planned=PLANNED):
    records = chain.read_chain(folder)
    dues = due(planned, records, datetime.fromisoformat(at).astimezone(UTC))
    return calendar(dues, read(records), records, records[0].key)


def _events(raw, kind="VEVENT"):
    """The properties of each component of that kind, unfolded, by name."""
    text = raw.decode("utf-8").replace("\r\n ", "")
    assert text.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert text.endswith("END:VCALENDAR\r\n")
    blocks = text.split(f"BEGIN:{kind}\r\n")[1:]
    return [
        dict(line.split(":", 1) for line in block.split(f"END:{kind}")[0].split("\r\n") if line) for block in blocks
    ]


def test_each_drill_is_an_event_all_day_on_its_next_day(five):
    """One that never passed is on the day of the chain's last record."""
    found = _events(_calendar(five))
    assert [(one["SUMMARY"], one["DTSTART;VALUE=DATE"], one["DTEND;VALUE=DATE"]) for one in found] == [
        ("Recovery drill: database-loss", "20261202", "20261203"),
        ("Recovery drill: region-loss", "20260901", "20260902"),
    ]
    assert {one["DTSTAMP"] for one in found} == {"20260901T101700Z"}


def test_the_same_chain_gives_the_same_bytes_whenever_it_is_written(five):
    """Even after its day: nothing in it is of now."""
    assert _calendar(five) == _calendar(five, "2027-05-05T05:05:05+00:00")


def test_a_new_record_moves_an_event_and_keeps_its_uid(five):
    """So that a calendar that reads it again moves what it has: the same UID, a later SEQUENCE and DTSTAMP."""
    before = _events(_calendar(five))[0]
    chain.append(five, "drill", body(ended_at="2026-09-21T10:17:00Z"), **QUIET)
    after = _events(_calendar(five))[0]
    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == ("5", "6")
    assert (after["DTSTART;VALUE=DATE"], after["DTSTAMP"]) == ("20261222", "20260921T101700Z")


def test_the_record_of_another_drill_moves_nothing(five):
    """Each event is of its own drill's last good record."""
    before = _events(_calendar(five))[0]
    chain.append(five, "drill", body("region-loss", ended_at="2026-09-21T10:17:00Z"), **QUIET)
    assert _events(_calendar(five))[0] == before


def test_follow_ups_that_are_open_are_tasks_with_their_day(five):
    """And what is only noted is none."""
    learn(five, 1, "noted only")
    learn(five, 1, "two dumps; one, elsewhere\nand \\ tested", owner="ana", due="2026-12-31")
    (one,) = _events(_calendar(five), "VTODO")
    assert one["DUE;VALUE=DATE"] == "20261231"
    assert one["SUMMARY"] == r"two dumps\; one\, elsewhere\nand \\ tested (ana)"


@pytest.mark.parametrize("text", ["a" * 75, "a" * 76, "SUMMARY:" + "ä€😀" * 60, "a" * 74 + "€" * 40])
def test_long_lines_are_folded_at_75_octets_between_characters(text):
    """Each part is text of its own, and together they are what was given."""
    parts = fold(text).split(b"\r\n")
    assert parts.pop() == b""
    assert all(len(part) <= 75 for part in parts)
    assert parts[0].decode("utf-8") + "".join(part.decode("utf-8")[1:] for part in parts[1:]) == text
    assert all(part.startswith(b" ") for part in parts[1:])
    assert len(parts) > 1 or len(text.encode()) <= 75


def test_every_line_of_a_calendar_ends_in_crlf_and_fits(five):
    """A drill of a long name in another script, too."""
    raw = _calendar(five, planned=(Planned("ж" * 80, 92),))
    lines = raw.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 75
