"""The calendar of drills (RFC 5545): when each is due next, and what is to be followed up.

The same chain gives the same bytes: nothing in it is of the time at which it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from harness.drill.records.due import Due, ended_at
from harness.drill.records.learnings import OPEN, Learning
from harness.drill.records.sealed import Record

LINE_OCTETS_MAX = 75
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


def calendar(dues: Iterable[Due], learnings: Iterable[Learning], records: Sequence[Record], key: str) -> bytes:
    """A VEVENT for each drill, all day, on the day by which it is due, and a VTODO for each follow-up that is open.

    UIDs are of the chain (`key` is the fingerprint of its key) and of the drill or follow-up, so that a calendar that
    reads the file again moves what it has. DTSTAMP and SEQUENCE are of the last record that moved it.
    """
    by_seq = {one.seq: one for one in records}
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//resilience-harness//drills//EN", "METHOD:PUBLISH"]
    lines += ["X-WR-CALNAME:Recovery drills"]
    for one in sorted(dues, key=lambda one: one.name):
        moved = one.good or (records[-1] if records else None)
        lines += [
            "BEGIN:VEVENT",
            f"UID:drill-{_uid(one.name)}-{key[:16]}@resilience-harness",
            f"DTSTAMP:{_stamp(moved, one.next)}",
            f"SEQUENCE:{moved.seq if moved else 0}",
            f"DTSTART;VALUE=DATE:{one.next:%Y%m%d}",
            f"DTEND;VALUE=DATE:{one.next + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_text(f'Recovery drill: {one.name}')}",
            f"DESCRIPTION:{_text(_description(one))}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    for follow_up in (one for one in learnings if one.state == OPEN and one.due is not None):
        lines += [
            "BEGIN:VTODO",
            f"UID:follow-up-{follow_up.seq}-{key[:16]}@resilience-harness",
            f"DTSTAMP:{_stamp(by_seq.get(follow_up.seq), follow_up.due or date.min)}",
            f"DUE;VALUE=DATE:{follow_up.due:%Y%m%d}",
            f"SUMMARY:{_text(f'{follow_up.text} ({follow_up.owner})')}",
            f"DESCRIPTION:{_text(f'Follow-up {follow_up.seq} of drill {follow_up.drill}, record {follow_up.about}')}",
            "STATUS:NEEDS-ACTION",
            "END:VTODO",
        ]
    return b"".join(map(fold, [*lines, "END:VCALENDAR"]))


def fold(line: str) -> bytes:
    """One content line with its CRLF, folded so that no part is longer than 75 octets or cuts a character in two."""
    parts, part = [], b""
    for character in line:
        octets = character.encode("utf-8")
        if len(part) + len(octets) > LINE_OCTETS_MAX:
            parts.append(part)
            part = b" "
        part += octets
    return b"\r\n".join([*parts, part]) + b"\r\n"


def _description(one: Due) -> str:
    """What is true whenever it is read: it does not say whether it is late."""
    if one.good is None:
        return f"It never passed. harness drill run {one.name}"
    at = ended_at(one.good)
    last = f"Last good: {at:%Y-%m-%d}, record {one.good.seq}. " if at else ""
    return f"{last}To be done each {one.period_days} days: harness drill run {one.name}"


def _stamp(record: Record | None, otherwise: date) -> str:
    """The time that a record tells, in UTC; the day itself where there is no record."""
    at = None
    if record is not None:
        at = ended_at(record) or _written_at(record)
    return f"{at or datetime.combine(otherwise, time()):%Y%m%dT%H%M%SZ}"


def _written_at(record: Record) -> datetime | None:
    try:
        return datetime.fromisoformat(str(record.body.get("at")))
    except ValueError:
        return None


def _uid(name: str) -> str:
    """A name in the characters that every calendar takes in a UID."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "-_.") else f"x{ord(one):x}" for one in name)


def _text(text: str) -> str:
    """A TEXT value: escaped, without control characters."""
    return "".join(one for one in text if one in "\n\r" or (ord(one) >= 32 and ord(one) != 127)).translate(_ESCAPES)
