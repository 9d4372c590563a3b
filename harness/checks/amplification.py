"""Amplification: how many attempts each operation takes while a link fails, and whether that ends with the fault.

Retries that go on after their cause is gone, and keep the service down by themselves, are a retry storm.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

from harness.analysis.amplification import Amplification as Amplified
from harness.analysis.amplification import amplification, by_phase, load_ratio
from harness.analysis.operations import operations
from harness.analysis.phases import spans
from harness.bounds import positive
from harness.checks.parts import FAULTS, SAMPLES_MIN
from harness.checks.points import Point, verdict_of, why_not_seen
from harness.record import History, Scalar, Verdict, Word

SURE_SHARE_MIN = 0.9
"""Of the attempts of each phase: else attempts are counted for each request of the load, in those of the baseline."""
BACK_SHARE = 1.1
"""Of the baseline's: what counts as back."""
Z = 2.68
"""Standard errors over that make a storm: of attempts that come at random, 1 run in 250 is called one by chance."""
ATTEMPTS_MIN = 40
"""Before the faults, and at the end: with as many, twice the baseline's attempts are no chance."""
RECOVERY_MIN_S = 4.0
"""The second half of the recovery is judged; the first may work off what was queued."""


@dataclass(frozen=True, slots=True)
class Amplification:
    """Each fault window has at most `ratio_max` attempts an operation on the link, and at the end of the recovery they
    are back where they were before the first fault.

    Where operations cannot be told apart, attempts for each request of the load are counted, in baselines.
    """

    link: str
    _: KW_ONLY
    ratio_max: float

    def __post_init__(self) -> None:
        positive("ratio_max", self.ratio_max)
        if self.ratio_max < 1:
            raise ValueError(f"ratio_max must be 1 or more, as an operation has one attempt; given {self.ratio_max!r}")

    def __str__(self) -> str:
        return f"at most {self.ratio_max:g} attempts an operation on {self.link}, and back after the faults"

    def check(self, history: History) -> Verdict:
        check = f"Amplification: {self.link}"
        missing = why_not_seen(history, self.link)
        if missing is not None or history.attempts is None:
            return verdict_of(check, [Point("tap", Word.UNKNOWN, missing or "")], "")
        found = operations(history.attempts, self.link)
        by_load = any(one.sure < SURE_SHARE_MIN for one in by_phase(history, found).values())

        def of(start_s: float, end_s: float) -> tuple[float, Amplified]:
            one = amplification(found, start_s, end_s)
            return (load_ratio(history, self.link, start_s, end_s) if by_load else one.ratio), one

        points = [self._during(name, *of(start, end), by_load) for name, start, end in spans(history, FAULTS)]
        before = next((one for one in history.phases if one.kind == "baseline"), None)
        after = next((one for one in history.phases if one.kind == "recovery"), None)
        if history.windows:
            points.append(
                self._back(of(before.start_s, before.end_s), of(after.end_s - after.length_s / 2, after.end_s), by_load)
                if before and after and after.length_s >= RECOVERY_MIN_S
                else Point("after", Word.UNKNOWN, f"too little was seen before and after the faults on {self.link}")
            )
        return verdict_of(check, points, "; ".join(point.clause for point in points))

    def _during(self, phase: str, ratio: float, seen: Amplified, by_load: bool) -> Point:
        numbers: dict[str, Scalar] = {
            "ratio": round(ratio, 4),
            "expected": round(seen.expected, 4),
            "failed_ratio": round(seen.failed_ratio, 4),
            "operations": seen.operations,
            "attempts_per_s": round(seen.per_s, 3),
            "told_by": "load" if by_load else "operations",
        }
        if not math.isfinite(ratio):
            clause = f"operations on {self.link} cannot be told apart, and no load tells how many there should be"
            return Point(phase, Word.UNKNOWN, clause, {"operations": seen.operations})
        count, what = (seen.crossed, "attempts") if by_load else (seen.operations, "operations")
        if count < SAMPLES_MIN:
            clause = f"only {count} {what} crossed {self.link} in {phase}, and {SAMPLES_MIN} are needed"
            return Point(phase, Word.UNKNOWN, clause, numbers)
        clause = f"each operation on {self.link} took {ratio:.2f} attempts in {phase}"
        if by_load:
            clause = (
                f"each request of the load took {ratio:.2f} times the baseline's attempts on {self.link} in {phase}"
            )
        clause = f"{clause}, at most {self.ratio_max:g} wanted"
        return Point(phase, Word.PASS if ratio <= self.ratio_max else Word.FAIL, clause, numbers)

    def _back(self, before: tuple[float, Amplified], after: tuple[float, Amplified], by_load: bool) -> Point:
        """Attempts are back where they were: in the ratio, and none is left over that goes on by itself."""
        (ratio_before, calm), (ratio_after, late) = before, after
        if by_load:
            count, what, per = min(calm.crossed, late.crossed), "attempts", "times the baseline's attempts a request"
            needed = ATTEMPTS_MIN
            surely = ratio_after * math.exp(-Z * math.sqrt(1 / max(1, calm.crossed) + 1 / max(1, late.crossed)))
        else:  # old operations that do not end are seen by what crosses
            count, what, per = min(calm.operations, late.operations), "operations", "attempts an operation"
            needed = SAMPLES_MIN
            ratio_before, ratio_after = max(ratio_before, calm.crossing), max(ratio_after, late.crossing)
            surely = ratio_after - Z * math.sqrt(max(0, late.crossed - late.operations)) / max(1, late.operations)
        numbers: dict[str, Scalar] = {
            "ratio": round(ratio_after, 4),
            "ratio_before": round(ratio_before, 4),
            "attempts_per_s": round(late.per_s, 3),
            "attempts_per_s_before": round(calm.per_s, 3),
        }
        if not math.isfinite(ratio_after):
            return Point("after", Word.UNKNOWN, f"no load tells how many {what} {self.link} should have", {})
        if count < needed:
            clause = f"only {count} {what} crossed {self.link} before or after the faults, and {needed} are needed"
            return Point("after", Word.UNKNOWN, clause, {"count": count, "needed": needed})
        at_end = f"{late.per_s:.1f} attempts a second at the end of the run, {calm.per_s:.1f} before the faults"
        if surely <= BACK_SHARE * ratio_before:
            return Point("after", Word.PASS, at_end, numbers)
        clause = f"a retry storm on {self.link} outlasts its fault: {ratio_after:.2f} {per}, {at_end}"
        return Point("after", Word.FAIL, clause, numbers)
