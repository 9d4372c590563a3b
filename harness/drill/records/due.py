"""Which drill is due: the last good record of each, against its period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from harness.drill.records.sealed import DRILL, Record
from harness.record import Word

CLOCK_SLACK = timedelta(days=1)
"""A record whose end is further than this in the future was made by a clock that is wrong, and proves no drill now."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A drill of drills/: its name, and how many days may be between two good ones."""

    name: str
    period_days: int


@dataclass(frozen=True, slots=True)
class Due:
    """One drill. `good` is its last record that passed, `last` its last of any word; None where there is none. `next`
    is the day by which it is to be done again; where it never was, the day of the chain's last record, else today."""

    name: str
    period_days: int
    good: Record | None
    last: Record | None
    next: date
    is_due: bool

    @property
    def sentence(self) -> str:
        if self.good is None:
            last = f"; record {self.last.seq} did not pass: {_said(self.last)}" if self.last else ""
            return f"never passed{last}"
        good = f"last good {_day(self.good)}, record {self.good.seq}"
        after = f"; record {self.last.seq} did not pass" if self.last and self.last.seq > self.good.seq else ""
        word = "was due" if self.is_due else "next by"
        return f"{good}; {word} {self.next.isoformat()}{after}"

    def to_json(self) -> dict[str, Any]:
        """As `harness drill due --json` prints it."""
        return {
            "drill": self.name,
            "period_days": self.period_days,
            "is_due": self.is_due,
            "next": self.next.isoformat(),
            "good": self.good.seq if self.good else None,
            "last": self.last.seq if self.last else None,
            "sentence": self.sentence,
        }


def ended_at(record: Record) -> datetime | None:
    """When the drill of a record ended, UTC; None where its body does not say so as RFC 3339."""
    try:
        at = datetime.fromisoformat(str(record.body.get("ended_at")))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def is_good(record: Record) -> bool:
    """Whether a drill passed: it was not aborted, and its word is pass."""
    verdict = record.body.get("verdict")
    word = verdict.get("word") if isinstance(verdict, dict) else None
    return (
        record.kind == DRILL and word == Word.PASS and not record.body.get("aborted") and ended_at(record) is not None
    )


def sabotaged(body: Mapping[str, Any]) -> str:
    """The step that a drill was told to leave out, "" where none was. It tries the drill, not the recovery."""
    return str(body.get("sabotage") or "")


def due(planned: Iterable[Planned], records: Sequence[Record], now: datetime) -> list[Due]:
    """Each planned drill, those that are due first, then by the day. `now` is UTC, aware. Sabotaged ones count
    neither as good nor as bad."""
    drills = [one for one in records if one.kind == DRILL and not sabotaged(one.body)]
    ends = [at for one in drills if (at := ended_at(one)) and at <= now + CLOCK_SLACK]
    begun = max(ends, default=now).date()
    found = []
    for plan in planned:
        own = [one for one in drills if one.body.get("drill") == plan.name]
        good = [one for one in own if is_good(one) and (ended_at(one) or now) <= now + CLOCK_SLACK]
        newest = max(good, key=lambda one: (ended_at(one) or now, one.seq), default=None)
        at = ended_at(newest) if newest else None
        by = at.date() + timedelta(days=plan.period_days) if at else begun
        last = own[-1] if own else None
        found.append(Due(plan.name, plan.period_days, newest, last, by, newest is None or now.date() > by))
    return sorted(found, key=lambda one: (not one.is_due, one.next, one.name))


def _day(record: Record) -> str:
    at = ended_at(record)
    return at.date().isoformat() if at else "at an unknown time"


def _said(record: Record) -> str:
    verdict = record.body.get("verdict")
    sentence = verdict.get("sentence", "") if isinstance(verdict, dict) else ""
    return str(sentence) or ("it was aborted" if record.body.get("aborted") else "it says no more")
