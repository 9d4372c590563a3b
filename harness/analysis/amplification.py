"""Amplification: how many attempts cross a link for each operation, and what independent failures would make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.operations import Operation
from harness.record import History


@dataclass(frozen=True, slots=True)
class Amplification:
    """Of the operations that began in one span of time. `sure` is the share of them that are surely one each.

    `expected` is what so many failures would give, were they independent, with as many retries as were seen at most.
    """

    attempts: int
    operations: int
    failed_ratio: float
    expected: float
    per_s: float
    sure: float

    @property
    def ratio(self) -> float:
        return self.attempts / self.operations if self.operations else 0.0


def amplification(found: Sequence[Operation], start_s: float, end_s: float) -> Amplification:
    """Of the operations that began in [start_s, end_s). `per_s` counts the attempts that did, whosever they are."""
    began = [one for one in found if start_s <= one.start_s < end_s]
    tries = [attempt for one in began for attempt in one.attempts]
    failed = sum(not attempt.succeeded for attempt in tries) / len(tries) if tries else 0.0
    crossed = sum(start_s <= attempt.started_s < end_s for one in found for attempt in one.attempts)
    retries = max((len(one.attempts) for one in began), default=1) - 1
    return Amplification(
        attempts=len(tries),
        operations=len(began),
        failed_ratio=failed,
        expected=expected(failed, retries),
        per_s=crossed / (end_s - start_s) if end_s > start_s else 0.0,
        sure=sum(one.sure or (one.succeeded and len(one.attempts) == 1) for one in began) / len(began)
        if began
        else 1.0,
    )


def expected(failed_ratio: float, retries: int) -> float:
    """Attempts per operation when each attempt fails with that probability: (1 - f^(R+1)) / (1 - f)."""
    return sum(failed_ratio**tries for tries in range(retries + 1))


def by_phase(history: History, found: Sequence[Operation]) -> dict[str, Amplification]:
    """Before, during and after: of each phase by its name, in the order of the history."""
    return {one.name: amplification(found, one.start_s, one.end_s) for one in history.phases}
