"""An outbox that drains: what was put off while a dependency failed is done in time afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from harness.bounds import positive
from harness.checks.accounts import answers, value_at, why_no_answer
from harness.checks.points import Point, verdict_of
from harness.model import Reads
from harness.record import History, Scalar, Verdict, Word

Reading = tuple[float, float]
"""(at_s, how many wait)"""


@dataclass(frozen=True, slots=True)
class OutboxDrains:
    """Within `within_s` of the end of the last window `field`, a number that `service` answers to GET `path`, is zero.

    It is unknown unless the number had grown while the faults were in. A `field` in a field is `outer.inner`.
    """

    service: str
    path: str
    field: str
    _: KW_ONLY
    within_s: float
    every_s: float = 0.5

    def __post_init__(self) -> None:
        positive("within_s", self.within_s)
        if not self.field:
            raise ValueError('field must be the name of a number in the answer, as in "waiting"; given nothing')
        _ = self.reads  # which refuses what is no path

    def __str__(self) -> str:
        return f"{self.field} of {self.service}{self.path} is 0 within {self.within_s:g} s of the last fault"

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(self.service, self.path, self.every_s),)

    @property
    def recovery_needed_s(self) -> float:
        """How long a run must go on after its last window for this to be seen."""
        return self.within_s + self.every_s

    def check(self, history: History) -> Verdict:
        point = self._point(history)
        return verdict_of(f"Outbox: {self.service}{self.path}", [point], point.clause)

    def _point(self, history: History) -> Point:
        found = answers(history, self.service, self.path)
        if not found:
            return _unknown(why_no_answer(history, self.service, self.path))
        read = [(one.at_s, value) for one in found if (value := _number(one.body, self.field)) is not None]
        if not read:
            return _unknown(f"no answer of {self.service} to GET {self.path} had a number {self.field}")
        if not history.windows:
            return _unknown("nothing was injected, so nothing had to be drained")
        return self._judge(read, min(one.start_s for one in history.windows), max(one.end_s for one in history.windows))

    def _judge(self, read: Sequence[Reading], began_s: float, healed_s: float) -> Point:
        before = max((value for at_s, value in read if at_s < began_s), default=0.0)
        peak = max((value for at_s, value in read if began_s <= at_s < healed_s + self.within_s), default=0.0)
        numbers: dict[str, Scalar] = {"before": before, "peak": peak, "within_s": self.within_s}
        if peak <= before:
            clause = f"{self.field} did not grow while the faults were in ({peak:g}, {before:g} before)"
            clause += ", so nothing had to be drained; let the faults last longer, or send more"
            return _unknown(clause, numbers)
        after = [(at_s - healed_s, value) for at_s, value in read if at_s > healed_s]
        zero_s = next((at_s for at_s, value in after if value == 0), None)
        late = [(at_s, value) for at_s, value in after if at_s >= self.within_s and (zero_s is None or at_s < zero_s)]
        grew = f"{self.field} of {self.service}{self.path} had grown to {peak:g}"
        wanted = f"within {self.within_s:g} s wanted"
        numbers["drained_s"] = None if zero_s is None else round(zero_s, 3)
        if late:
            at_s, value = late[-1]
            clause = f"was still {value:g} {at_s:.1f} s after the last fault"
            return Point("drained", Word.FAIL, f"{grew} and {clause}; {wanted}", {**numbers, "left": value})
        if zero_s is not None and zero_s <= self.within_s:
            clause = f"was 0 {zero_s:.1f} s after the last fault"
            return Point("drained", Word.PASS, f"{grew} and {clause}; {wanted}", numbers)
        last_s = after[-1][0] if after else 0.0
        seen = f"was read last {last_s:.1f} s after the last fault" if zero_s is None else f"was 0 after {zero_s:.1f} s"
        clause = f"{grew} and {seen}, and was not read in time to judge {self.within_s:g} s"
        return _unknown(f"{clause}; let the run go on, or read more often", numbers)


def _unknown(clause: str, numbers: dict[str, Scalar] | None = None) -> Point:
    return Point("drained", Word.UNKNOWN, clause, numbers or {})


def _number(body: Any, field: str) -> float | None:
    value = value_at(body, field)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
