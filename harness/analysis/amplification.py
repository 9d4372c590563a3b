"""Amplification: how many attempts cross a link for each operation, and what independent failures would make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.operations import Operation
from harness.record import NS_PER_S, History


@dataclass(frozen=True, slots=True)
class Amplification:
    """Of the operations that began in one span of time. `sure` is the share of their attempts that are
    surely told apart.

    `crossed` counts the attempts that crossed in it, whosever they are; `per_s` is that by its length. `expected` is
    what so many failures would give, were they independent, with as many retries as were seen at most.
    """

    attempts: int
    crossed: int
    operations: int
    failed_ratio: float
    expected: float
    per_s: float
    sure: float

    @property
    def ratio(self) -> float:
        return self.attempts / self.operations if self.operations else 0.0

    @property
    def crossing(self) -> float:
        """Attempts that crossed for each operation that began: more than `ratio` where old ones do not end."""
        return self.crossed / self.operations if self.operations else 0.0


def amplification(found: Sequence[Operation], start_s: float, end_s: float) -> Amplification:
    """Of the operations that began in [start_s, end_s)."""
    began = [one for one in found if start_s <= one.start_s < end_s]
    tries = [attempt for one in began for attempt in one.attempts]
    failed = sum(not attempt.succeeded for attempt in tries) / len(tries) if tries else 0.0
    crossed = sum(start_s <= attempt.started_s < end_s for one in found for attempt in one.attempts)
    retries = max((len(one.attempts) for one in began), default=1) - 1
    return Amplification(
        attempts=len(tries),
        crossed=crossed,
        operations=len(began),
        failed_ratio=failed,
        expected=expected(failed, retries),
        per_s=crossed / (end_s - start_s) if end_s > start_s else 0.0,
        sure=sum(len(one.attempts) for one in began if one.sure or one.calm) / len(tries) if tries else 1.0,
    )


def expected(failed_ratio: float, retries: int) -> float:
    """Attempts per operation when each attempt fails with that probability: (1 - f^(R+1)) / (1 - f)."""
    return sum(failed_ratio**tries for tries in range(retries + 1))


def by_phase(history: History, found: Sequence[Operation]) -> dict[str, Amplification]:
    """Before, during and after: of each phase by its name, in the order of the history."""
    return {one.name: amplification(found, one.start_s, one.end_s) for one in history.phases}


def load_ratio(history: History, link: str, start_s: float, end_s: float) -> float:
    """Attempts for each request of the load in [start_s, end_s), over the same in the baseline. NaN where not known.

    It needs no operations, so it holds where nothing tells attempts apart, for as long as the load's mix is the same.
    """
    baseline = next((one for one in history.phases if one.kind == "baseline"), None)
    if baseline is None or history.attempts is None:
        return float("nan")
    attempts_s = history.attempts.loc[history.attempts["link"] == link, "started_s"].to_numpy()
    samples_s = history.samples["intended_ns"].to_numpy() / NS_PER_S

    def for_each(start_s: float, end_s: float) -> float:
        sent = int(((samples_s >= start_s) & (samples_s < end_s)).sum())
        return float(((attempts_s >= start_s) & (attempts_s < end_s)).sum()) / sent if sent else float("nan")

    before = for_each(baseline.start_s, baseline.end_s)
    return for_each(start_s, end_s) / before if before else float("nan")
