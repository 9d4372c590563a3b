"""A service that says what it does: while a fault is in, a field of its own account has a value, and not otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace

from harness.bounds import positive
from harness.checks.accounts import answers, value_at, why_no_answer
from harness.checks.points import Point, counted, verdict_of
from harness.model import Reads
from harness.record import Account, History, PlannedWindow, Scalar, Verdict, Word

READINGS_MIN = 3
"""No statement on fewer readings of a phase than this."""


@dataclass(frozen=True, slots=True)
class AccountSays:
    """While each fault is in, from `within_s` after its start, `field` of what `service` answers to GET `path` is
    `value`; before the first, and from `within_s` after the last, it is not. Windows that overlap are one.

    A fallback that is served must be told as one: `AccountSays("etl", "/invoices", "stale", True, within_s=8)`. A
    `field` in a field is `outer.inner`.
    """

    service: str
    path: str
    field: str
    value: Scalar
    _: KW_ONLY
    within_s: float
    every_s: float = 0.5

    def __post_init__(self) -> None:
        positive("within_s", self.within_s)
        if not self.field:
            raise ValueError('field must be the name of a field in the answer, as in "stale"; given nothing')
        _ = self.reads  # which refuses what is no path

    def __str__(self) -> str:
        when = f"from {self.within_s:g} s into a fault to {self.within_s:g} s after it"
        return f"{self._asked} says {self.field} {self.value!r} {when}"

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(self.service, self.path, self.every_s),)

    @property
    def recovery_needed_s(self) -> float:
        """How long a run must go on after its last window for this to be seen."""
        return self.within_s + READINGS_MIN * self.every_s

    @property
    def _asked(self) -> str:
        return f"GET {self.path} of {self.service}"

    def check(self, history: History) -> Verdict:
        check = f"AccountSays: {self.service}{self.path}"
        read = [one for one in answers(history, self.service, self.path) if one.at_s >= 0]
        if not read:
            return verdict_of(check, [Point("read", Word.UNKNOWN, why_no_answer(history, self.service, self.path))], "")
        if not history.windows:
            point = self._always(read, "calm", says=False)
            return verdict_of(check, [point], point.clause)
        spans = _together(history.windows)
        points = [self._always([one for one in read if one.at_s < spans[0].start_s], "calm", says=False)]
        for span in spans:
            seen = [one for one in read if span.start_s + self.within_s <= one.at_s < span.end_s]
            points.append(self._always(seen, span.name, says=True))
        last_s = max(span.end_s for span in spans)
        after = [one for one in read if one.at_s > last_s + self.within_s]
        points.append(self._always(after, "recovery", says=False))
        return verdict_of(
            check, points, f"{self._asked} said {self.field} {self.value!r} while the faults were in, and only then"
        )

    def _always(self, read: Sequence[Account], where: str, *, says: bool) -> Point:
        """Whether all of these readings have the value, or none."""
        if len(read) < READINGS_MIN:
            clause = f"{self._asked} was read {counted(len(read), 'time')} in {where}, and {READINGS_MIN} are needed"
            clause = f"{clause}: let it last longer than {self.within_s:g} s, or read more often"
            return Point(where, Word.UNKNOWN, clause)
        wrong = [one for one in read if (value_at(one.body, self.field) == self.value) is not says]
        numbers: dict[str, Scalar] = {"readings": len(read), "wrong": len(wrong)}
        if not wrong:
            clause = f"{self._asked} {'' if says else 'never '}said {self.field} {self.value!r} in {where}"
            return Point(where, Word.PASS, clause, numbers)
        said = f"{value_at(wrong[0].body, self.field)!r} at {wrong[0].at_s:.1f} s"
        clause = (
            f"{self._asked} said {self.field} {said} in {where}, {'always' if says else 'never'} {self.value!r} wanted"
        )
        return Point(where, Word.FAIL, f"{clause} ({len(wrong)} of {len(read)} readings)", numbers)


def _together(windows: Sequence[PlannedWindow]) -> list[PlannedWindow]:
    """Those that overlap as one, by their start."""
    found: list[PlannedWindow] = []
    for one in sorted(windows, key=lambda window: window.start_s):
        if found and one.start_s <= found[-1].end_s:
            found[-1] = replace(found[-1], end_s=max(found[-1].end_s, one.end_s))
        else:
            found.append(one)
    return found
