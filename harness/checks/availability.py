"""Availability: what share of requests was answered well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.analysis.phases import select
from harness.bounds import ratio
from harness.checks.parts import FAULTS, Part, percent, samples_needed, too_few, verdict, where
from harness.record import History, Outcome, Verdict, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """At least `ok_ratio_min` of the requests must be answered well, in every fault window or in one `phase`.

    A request without an answer counts against it: its user did not get what they came for.
    """

    ok_ratio_min: float
    endpoint: str | None = None
    phase: str = FAULTS

    def __post_init__(self) -> None:
        ratio("ok_ratio_min", self.ok_ratio_min)

    def __str__(self) -> str:
        return f"at least {percent(self.ok_ratio_min)} of requests{where(self.endpoint)} are ok ({self.phase})"

    def at_baseline(self) -> Availability:
        return replace(self, phase="baseline")

    def check(self, history: History) -> Verdict:
        ok = (history.samples["outcome"] == Outcome.OK.value).to_numpy()
        parts = [self._part(phase, ok[mask]) for phase, mask in select(history, self.phase, self.endpoint)]
        return verdict("Availability", parts, f"at least {percent(self.ok_ratio_min)} wanted")

    def _part(self, phase: str, ok: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Part:
        count, needed = len(ok), samples_needed(self.ok_ratio_min)
        if count < needed:
            return too_few(phase, count, needed)
        share = float(ok.mean())
        word = Word.PASS if share >= self.ok_ratio_min else Word.FAIL
        clause = f"{percent(share)} of {count:,} requests{where(self.endpoint)} were ok in {phase}"
        numbers = {"ok_ratio": round(share, 6), "count": count, "ok_ratio_min": self.ok_ratio_min}
        return Part(phase, word, clause, numbers, margin=share - self.ok_ratio_min)
