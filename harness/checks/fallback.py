"""Fallback: an endpoint is answered well and in time although a link that it needs has failed."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from harness.analysis.breaker import Calls, Due, calls_of, due
from harness.analysis.phases import select
from harness.bounds import positive, ratio
from harness.checks.parts import SAMPLES_MIN, Part, percent, samples_needed, too_few, verdict
from harness.checks.points import Point, struck, verdict_of, why_not_seen
from harness.record import History, Outcome, PlannedWindow, Verdict, Word

GOOD_SHARE_MAX = 0.5
"""Of the calls that were due on the link: with more answered well it did not fail, and nothing had to fall back."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """While a fault is on `link`, at least `ok_ratio_min` of the requests of `endpoint` are answered well, within
    `within_ms` of their intended start. It is unknown unless the link failed: attempts on it fail, are slow, or absent.
    """

    endpoint: str
    _: KW_ONLY
    link: str
    ok_ratio_min: float
    within_ms: float

    def __post_init__(self) -> None:
        ratio("ok_ratio_min", self.ok_ratio_min)
        positive("within_ms", self.within_ms)

    def __str__(self) -> str:
        share = percent(self.ok_ratio_min)
        return f"{share} of {self.endpoint} are ok within {self.within_ms:g} ms though {self.link} fails"

    def check(self, history: History) -> Verdict:
        check = f"Fallback: {self.endpoint}"
        missing = why_not_seen(history, self.link)
        windows = struck(history, self.link)
        if missing is None and not windows:
            missing = f"no fault struck {self.link}, so nothing had to fall back"
        if missing is not None:
            return verdict_of(check, [Point("link", Word.UNKNOWN, missing)], "")
        calls = calls_of(history, self.link)
        expected = due(history, calls)
        parts = [self._part(history, window, calls, expected) for window in windows]
        return verdict(check, parts, f"at least {percent(self.ok_ratio_min)} within {self.within_ms:g} ms wanted")

    def _part(self, history: History, window: PlannedWindow, calls: Calls, expected: Due) -> Part:
        came = calls.within(window.start_s, window.end_s)
        good, were_due = int(came.good.sum()), expected.calls(window.start_s, window.end_s)
        numbers = {"attempts": len(came), "good_attempts": good, "due_attempts": round(were_due, 1)}
        if max(were_due, len(came) - good) < SAMPLES_MIN:
            clause = f"only {were_due:.0f} attempts on {self.link} were due in {window.name}, and {len(came)} came"
            clause = f"{clause}, so {self.endpoint} is not known to need it; {SAMPLES_MIN} are needed"
            return Part(window.name, Word.UNKNOWN, clause, numbers)
        if good > GOOD_SHARE_MAX * were_due:
            attempts = f"{good:,} of {were_due:,.0f} attempts due were good"
            clause = f"the link {self.link} did not fail in {window.name}: {attempts}"
            return Part(window.name, Word.UNKNOWN, clause, numbers)
        ((name, mask),) = select(history, window.name, self.endpoint)
        count, needed = int(mask.sum()), samples_needed(self.ok_ratio_min)
        if count < needed:
            return too_few(name, count, needed)
        ok = (history.samples["outcome"] == Outcome.OK.value).to_numpy()[mask]
        in_time = history.samples["response_ms"].to_numpy()[mask] <= self.within_ms
        share = float(np.mean(ok & in_time))
        clause = f"{percent(share)} of {count:,} requests of {self.endpoint} were ok in time in {name}"
        clause = f"{clause}, while {good:,} of {were_due:,.0f} attempts on {self.link} were good"
        word = Word.PASS if share >= self.ok_ratio_min else Word.FAIL
        return Part(name, word, clause, {**numbers, "ok_ratio": round(share, 6), "count": count}, share)
