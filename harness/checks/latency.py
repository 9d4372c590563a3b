"""Latency: how long requests took, from the start that was intended for them."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from harness.analysis.phases import Mask, select
from harness.analysis.quantiles import quantile
from harness.bounds import positive
from harness.checks.parts import FAULTS, Part, samples_needed, too_few, verdict, where
from harness.record import CUT_OFF, History, Verdict, Word


@dataclass(frozen=True, slots=True)
class LatencyBelow:
    """The percentile of response time must be below `limit_ms`, in every fault window or in one `phase`.

    All requests count, answered well or not, since users waited for them all. Response time counts from the intended
    start, so that a stack that stalls cannot hide the requests that it kept from being sent.
    """

    limit_ms: float
    _: KW_ONLY
    percentile: float = 95
    endpoint: str | None = None
    phase: str = FAULTS

    def __post_init__(self) -> None:
        positive("limit_ms", self.limit_ms)
        positive("percentile", self.percentile)
        if self.percentile >= 100:
            raise ValueError(f"percentile must be more than 0 and less than 100, such as 99.9; given {self.percentile}")
        if self.percentile < 1:
            raise ValueError(
                f"percentile counts to 100; given {self.percentile}; write {self.percentile * 100:g} for the "
                f"{self.percentile:g} quantile"
            )

    def __str__(self) -> str:
        return f"p{self.percentile:g}{where(self.endpoint)} is below {self.limit_ms:g} ms ({self.phase})"

    def at_baseline(self) -> LatencyBelow:
        return replace(self, phase="baseline")

    def check(self, history: History) -> Verdict:
        response_ms = history.samples["response_ms"].to_numpy()
        errors = history.samples["error"].cat
        cut_off = np.isin(errors.codes, [i for i, text in enumerate(errors.categories) if text.endswith(CUT_OFF)])
        parts = [
            self._part(phase, response_ms[mask], cut_off[mask])
            for phase, mask in select(history, self.phase, self.endpoint)
        ]
        return verdict("Latency", parts, f"below {self.limit_ms:g} ms wanted")

    def _part(self, phase: str, response_ms: np.ndarray[Any, np.dtype[np.float32]], cut_off: Mask) -> Part:
        count, needed = len(response_ms), samples_needed(self.percentile / 100)
        if count < needed:
            return too_few(phase, count, needed)
        value_ms = quantile(response_ms, self.percentile / 100)
        word = Word.PASS if value_ms < self.limit_ms else Word.FAIL
        longest_ms = quantile(np.where(cut_off, np.inf, response_ms), self.percentile / 100)
        if word is Word.PASS and longest_ms >= self.limit_ms:
            clause = f"{cut_off.sum():,} requests{where(self.endpoint)} of {phase} had no answer when the run ended"
            return Part(phase, Word.UNKNOWN, clause, {"count": count, "cut_off": int(cut_off.sum())})
        clause = f"p{self.percentile:g} of {count:,} requests{where(self.endpoint)} was {value_ms:,.0f} ms in {phase}"
        numbers = {
            "value_ms": round(value_ms, 3),
            "count": count,
            "limit_ms": self.limit_ms,
            "percentile": self.percentile,
        }
        return Part(phase, word, clause, numbers, margin=self.limit_ms - value_ms)
