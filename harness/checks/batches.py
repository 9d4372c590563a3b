"""Whole batches: whoever reads while a batch is loaded sees all of its rows or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from harness.checks.accounts import answers, why_no_answer
from harness.checks.points import Point, counted, verdict_of
from harness.model import Reads
from harness.record import Account, History, Scalar, Verdict, Word

BATCHES_MIN = 5
"""No statement on fewer batches that came while it was read: one that is there from the beginning shows nothing."""
SHAPE = 'a list "batches" of {"batch_id", "announced", "rows"}, with numbers'


@dataclass(frozen=True, slots=True)
class _Sight:
    """What one answer shows of one batch. `part` is None where it is whole, or not there."""

    at_s: float
    batch_id: str
    rows: float
    part: str | None


@dataclass(frozen=True, slots=True)
class NoPartialBatch:
    """No answer of `service` to GET `path` shows a part of a batch: each has as many rows as announced, less those that
    are quarantined, or none; and with none quarantined its sum is the announced one.
    """

    service: str
    path: str
    _: KW_ONLY
    every_s: float = 0.5

    def __post_init__(self) -> None:
        _ = self.reads  # which refuses what is no path

    def __str__(self) -> str:
        return f"no batch is seen in part at {self.service}{self.path}"

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(self.service, self.path, self.every_s),)

    def check(self, history: History) -> Verdict:
        check = f"Whole batches: {self.service}{self.path}"
        found = answers(history, self.service, self.path)
        if not found:
            clause = why_no_answer(history, self.service, self.path)
            return verdict_of(check, [Point("read", Word.UNKNOWN, clause)], "")
        sights: list[_Sight] = []
        for one in found:
            shown = _sights(one)
            if shown is None:
                clause = f"the answer of {self.service} to GET {self.path} at {one.at_s:.1f} s is not {SHAPE}"
                return verdict_of(check, [Point("read", Word.UNKNOWN, f"{clause} (docs/checks.md)")], "")
            sights += shown
        whole, came = _whole(sights), _came(history, found, sights)
        passed = f"in {counted(len(found), 'answer')} no batch was seen in part, of {came.numbers['came']} that came"
        return verdict_of(check, [whole, came], passed)


def _sights(account: Account) -> list[_Sight] | None:
    batches = account.body.get("batches") if isinstance(account.body, dict) else None
    if not isinstance(batches, list):
        return None
    found = []
    for one in batches:
        if not isinstance(one, dict) or not isinstance(one.get("batch_id"), str):
            return None
        announced, rows = _number(one.get("announced")), _number(one.get("rows"))
        kept_out, sums = _number(one.get("quarantined", 0)), (one.get("sum"), one.get("announced_sum"))
        if announced is None or rows is None or kept_out is None:
            return None
        part = None
        if 0 < rows < announced - kept_out:
            part = f"{rows:g} of {announced - kept_out:g} rows"
        elif rows == announced and kept_out == 0 and None not in sums and sums[0] != sums[1]:
            part = f"a sum of {sums[0]} and not {sums[1]}"
        found.append(_Sight(account.at_s, one["batch_id"], rows, part))
    return found


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(sights: Sequence[_Sight]) -> Point:
    parts = [one for one in sights if one.part is not None]
    batches = list(dict.fromkeys(one.batch_id for one in parts))
    numbers: dict[str, Scalar] = {"partial_batches": len(batches), "partial_sights": len(parts)}
    if not parts:
        return Point("whole", Word.PASS, "no batch was seen in part", numbers)
    first = parts[0]
    later = (one.at_s for one in sights if one.batch_id == first.batch_id and one.at_s > first.at_s and not one.part)
    whole_s = next(later, None)
    then = "and it was never seen whole" if whole_s is None else f"and whole {whole_s - first.at_s:.1f} s later"
    clause = f"at {first.at_s:.1f} s a reader saw {first.batch_id} with {first.part}, {then}"
    more = f"; {counted(len(batches) - 1, 'more batch', 'more batches')} alike" if len(batches) > 1 else ""
    return Point("whole", Word.FAIL, clause + more, numbers)


def _came(history: History, found: Sequence[Account], sights: Sequence[_Sight]) -> Point:
    """Whether batches came while it was read: after its first answer, and after the first fault where there is one."""
    first_s: dict[str, float] = {}
    for one in sights:
        if one.rows:
            first_s.setdefault(one.batch_id, one.at_s)
    began_s = max([found[0].at_s, *sorted(one.start_s for one in history.windows)[:1]])
    came = sum(at_s > began_s for at_s in first_s.values())
    numbers: dict[str, Scalar] = {"came": came, "needed": BATCHES_MIN, "answers": len(found)}
    if came >= BATCHES_MIN:
        return Point("came", Word.PASS, f"{came} batches came while it was read", numbers)
    since = "after the first fault" if history.windows else "while it was read"
    clause = f"only {counted(came, 'batch', 'batches')} came {since}, and {BATCHES_MIN} are needed; let the run go on"
    return Point("came", Word.UNKNOWN, clause, numbers)
