"""Recovery: how soon after the last fault the stack gives what it gave before the first."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.recovery import HOLD_S, recovery
from harness.bounds import positive
from harness.record import History, Verdict, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovers:
    """Within `within_s` of the end of the last window the goodput is back at the baseline's, and stays.

    Back is the first second from which every 3 s window of the next 10 s holds at least 95 % of the baseline's goodput,
    less two standard errors; the first touch alone is not.
    """

    within_s: float
    endpoint: str | None = None

    def __post_init__(self) -> None:
        positive("within_s", self.within_s)

    def __str__(self) -> str:
        return f"goodput is back within {self.within_s:g} s of the last fault"

    @property
    def recovery_needed_s(self) -> float:
        """How long a run must go on after its last window for this to be seen."""
        return self.within_s + HOLD_S

    def check(self, history: History) -> Verdict:
        if not history.windows:
            return Verdict("Recovery", Word.UNKNOWN, "Nothing was injected, so there was nothing to recover from.", {})
        seen = recovery(history, endpoint=self.endpoint)
        evidence = {"recovery_s": seen.seconds, "within_s": self.within_s}
        wanted = f"within {self.within_s:g} s wanted"
        if seen.seconds is not None:
            word = Word.PASS if seen.seconds <= self.within_s else Word.FAIL
            return Verdict(
                "Recovery", word, f"Goodput was back {seen.seconds:g} s after the last fault; {wanted}.", evidence
            )
        word = Word.UNKNOWN if seen.too_short else Word.FAIL
        return Verdict("Recovery", word, f"{seen.reason}; {wanted}.", evidence)
