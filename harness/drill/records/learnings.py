"""What was learnt from a drill, and who follows it up until when: records of the same chain, signed as drills are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from harness.drill.records import chain
from harness.drill.records.sealed import DRILL, LEARNING, Record
from harness.errors import HarnessError, one_of

NOTED, OPEN, CLOSED = "noted", "open", "closed"
STATES = (NOTED, OPEN, CLOSED)
"""`noted` asks nobody for anything; `open` has an owner and a day until when; `closed` is done."""


@dataclass(frozen=True, slots=True)
class Learning:
    """A learning as it stands now. `seq` is its record, `about` the drill's; `closed_by` is the record that closed it,
    0 where none did. `due` is the last day on which it is not late, None where it has none."""

    seq: int
    about: int
    drill: str
    text: str
    owner: str
    due: date | None
    state: str
    closed_by: int = 0

    def is_overdue(self, today: date) -> bool:
        return self.state == OPEN and self.due is not None and self.due < today


def learn(folder: Path, about: int, text: str, *, owner: str = "", due: str = "", state: str = "") -> Record:
    """Writes what was learnt from drill record `about`. With an owner and a day (2026-12-31) it is a follow-up, open
    unless `state` says that it is done already. Raises HarnessError."""
    state = state or (OPEN if owner or due else NOTED)
    if state not in STATES:
        raise HarnessError(one_of("state", state, STATES))
    if not text.strip():
        raise HarnessError(
            'a learning is a sentence, as in: harness drill learn 5 "the dump was older than we thought"'
        )
    if due:
        _day(due)
    if state == OPEN and not (owner and due):
        raise HarnessError("a follow-up that is open has an owner and a day: give --owner NAME and --due 2026-12-31")
    if state == NOTED and (owner or due):
        raise HarnessError("what is only noted has no owner and no day; leave --state out, or say open or closed")
    drill = _the(chain.read_chain(folder), about, DRILL)
    return _write(folder, drill, text, owner, due, state)


def close(folder: Path, number: int, text: str = "") -> Record:
    """Writes that the follow-up of record `number` is done; `text` says how. Raises HarnessError."""
    records = chain.read_chain(folder)
    followed = {one.seq: one for one in read(records)}
    opened = [one.seq for one in followed.values() if one.state == OPEN]
    if number not in opened:
        listed = ", ".join(map(str, opened)) or "none"
        done = followed.get(number)
        why = f"record {done.closed_by or number} closed it" if done and done.state == CLOSED else "it is none"
        raise HarnessError(f"{number} is no open follow-up: {why}; open are: {listed}")
    one = followed[number]
    due = one.due.isoformat() if one.due else ""
    return _write(folder, _the(records, number, LEARNING), text.strip() or one.text, one.owner, due, CLOSED, number)


def read(records: Sequence[Record], about: int | None = None) -> list[Learning]:
    """The learnings of a chain, those of one drill where `about` is its record; each once, as it stands now."""
    found: dict[int, Learning] = {}
    drills = {one.seq: str(one.body.get("drill", "")) for one in records if one.kind == DRILL}
    for record in records:
        if record.kind != LEARNING:
            continue
        body = record.body
        closed = found.get(body.get("closes", 0))
        if closed is not None:
            found[closed.seq] = Learning(
                closed.seq, closed.about, closed.drill, closed.text, closed.owner, closed.due, CLOSED, record.seq
            )
            continue
        of = int(body["about"])
        due = date.fromisoformat(body["due"]) if body["due"] else None
        found[record.seq] = Learning(
            record.seq, of, drills.get(of, ""), body["text"], body["owner"], due, body["state"]
        )
    return [one for one in found.values() if about is None or one.about == about]


def overdue(records: Sequence[Record], today: date) -> list[Learning]:
    """Follow-ups that are open after their day, the oldest first."""
    late = [one for one in read(records) if one.is_overdue(today)]
    return sorted(late, key=lambda one: (one.due or today, one.seq))


def _write(
    folder: Path, about: Record, text: str, owner: str, due: str, state: str, closes: int | None = None
) -> Record:
    body: dict[str, object] = {
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "about": about.seq,
        "about_sha256": about.sha256,
        "text": text.strip(),
        "owner": owner,
        "due": due,
        "state": state,
    }
    return chain.append(folder, LEARNING, body if closes is None else {**body, "closes": closes})


def _the(records: Iterable[Record], number: int, kind: str) -> Record:
    """The record of that number, which must be of that kind. Raises HarnessError."""
    of_kind = [one for one in records if one.kind == kind]
    for one in of_kind:
        if one.seq == number:
            return one
    listed = ", ".join(f"{one.seq} ({one.body.get('drill', '')})" for one in of_kind[-8:]) or "none yet"
    raise HarnessError(f"record {number} is no {kind}; the last ones are: {listed}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise HarnessError(f"a day is written as 2026-12-31; given {text!r}") from None
