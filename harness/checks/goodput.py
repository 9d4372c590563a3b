"""Goodput: how many requests a second were answered well."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

from harness.analysis.phases import select, spans
from harness.bounds import positive
from harness.checks.parts import FAULTS, SAMPLES_MIN, Part, too_few, verdict, where
from harness.record import NS_PER_S, History, Outcome, Verdict, Word


@dataclass(frozen=True, slots=True)
class GoodputAbove:
    """At least `ok_per_s_min` requests a second must be answered well, in every fault window or in one `phase`.

    Answers are counted in the phase in which they came.
    """

    ok_per_s_min: float
    _: KW_ONLY
    endpoint: str | None = None
    phase: str = FAULTS

    def __post_init__(self) -> None:
        positive("ok_per_s_min", self.ok_per_s_min)

    def __str__(self) -> str:
        return f"at least {self.ok_per_s_min:g} ok answers a second{where(self.endpoint)} ({self.phase})"

    def at_baseline(self) -> GoodputAbove:
        return replace(self, phase="baseline")

    def check(self, history: History) -> Verdict:
        samples = history.samples
        answered_s = samples["answered_ns"].to_numpy() / NS_PER_S
        ok = (samples["outcome"] == Outcome.OK.value).to_numpy()
        asked = dict(select(history, self.phase, self.endpoint))
        everything = dict(select(history, "run", self.endpoint))["run"]
        parts = []
        for name, start_s, end_s in spans(history, self.phase):
            count = int(asked[name].sum())
            if count < SAMPLES_MIN or end_s <= start_s:
                parts.append(too_few(name, count, SAMPLES_MIN))
                continue
            in_time = everything & ok & (answered_s >= start_s) & (answered_s < end_s)
            ok_per_s = float(in_time.sum()) / (end_s - start_s)
            word = Word.PASS if ok_per_s >= self.ok_per_s_min else Word.FAIL
            clause = f"{ok_per_s:.1f} ok answers a second{where(self.endpoint)} came in {name}"
            numbers = {"ok_per_s": round(ok_per_s, 3), "count": count, "ok_per_s_min": self.ok_per_s_min}
            parts.append(Part(name, word, clause, numbers, margin=ok_per_s - self.ok_per_s_min))
        return verdict("Goodput", parts, f"at least {self.ok_per_s_min:g} wanted")
