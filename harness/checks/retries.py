"""Retries: is the policy that a team wrote down the one that crosses the link?"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from harness.analysis.backoff import backoff, waits
from harness.analysis.operations import Operation, of_phase, operations
from harness.analysis.phases import named
from harness.bounds import positive, ratio, whole
from harness.checks import retry_rules as rules
from harness.checks.parts import FAULTS
from harness.checks.points import Point, verdict_of, why_not_seen
from harness.checks.retry_rules import Seen
from harness.errors import one_of
from harness.record import History, Verdict, Word

PATIENCE = 2.0
"""An operation is not over while the longest gap of the run, so many times, has not passed since its last attempt."""


@dataclass(frozen=True, slots=True)
class Retries:
    """What a client tries again over a link, as a tap sees it.

    At most `attempts_max` attempts an operation, or `attempts` exactly; None after a success, after a 4xx that stays
    (`retry_on_4xx`), before a Retry-After is over; each with the key and the body of the first. `backoff_factor_min`
    is what the gaps must grow by, `jitter` whether they spread, `budget_ratio_max` what share of the operations retries
    may be. `calls` is one "POST /charges" or "/charges" of the link. Where attempts bear no key and no trace,
    `gap_max_s` says how far apart tries of one operation are at most (analysis/operations.py).
    """

    link: str
    _: KW_ONLY
    attempts_max: int | None = 3
    attempts: int | None = None
    backoff_factor_min: float | None = None
    jitter: bool | None = None
    retry_on_4xx: bool = False
    honour_retry_after: bool = True
    same_key: bool = True
    budget_ratio_max: float | None = None
    calls: str | None = None
    phase: str = FAULTS
    gap_max_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("attempts_max", "attempts"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name))
        if self.backoff_factor_min is not None:
            positive("backoff_factor_min", self.backoff_factor_min)
            if self.backoff_factor_min <= 1:
                raise ValueError(f"backoff_factor_min must be more than 1, such as 2; given {self.backoff_factor_min}")
        if self.budget_ratio_max is not None:
            ratio("budget_ratio_max", self.budget_ratio_max)
        if self.gap_max_s is not None:
            positive("gap_max_s", self.gap_max_s)

    def __str__(self) -> str:
        return f"retries{self._of} on {self.link}: {', '.join(self._asked())} ({self.phase})"

    def check(self, history: History) -> Verdict:
        check = f"Retries: {self.link}"
        missing = why_not_seen(history, self.link)
        if missing is not None or history.attempts is None:
            return verdict_of(check, [Point("tap", Word.UNKNOWN, missing or "")], "")
        found = operations(history.attempts, self.link, gap_max_s=self.gap_max_s)
        if self.calls is not None:
            names = sorted({one.name for one in found})
            found = [one for one in found if self.calls in (one.name, one.name.partition(" ")[2])]
            if not found:
                unknown = one_of("calls", self.calls, names, where=f"{self.link} in this run")
                return verdict_of(check, [Point("calls", Word.UNKNOWN, unknown)], "")
        seen = self._seen(history, found)
        points = self._points(seen)
        return verdict_of(check, points, self._passed(seen, points), calls=self.calls, gap_max_s=self.gap_max_s)

    def _seen(self, history: History, found: list[Operation]) -> Seen:
        chosen: dict[int, Operation] = {}
        for phase in named(history, self.phase):
            chosen |= {id(one): one for one in of_phase(found, phase, history.phases)}
        inside = list(chosen.values())
        longest_s = max((gap_s for one in found for gap_s in one.gaps_s), default=0.0)
        over_s = max((phase.end_s for phase in history.phases), default=0.0) - max(1.0, PATIENCE * longest_s)
        everything = self.phase == "run" or (self.phase == FAULTS and not history.windows)
        where = "the run" if everything else "the fault windows" if self.phase == FAULTS else self.phase
        return Seen(f"{self.link}{self._of}", where, inside, [one for one in inside if one.end_s <= over_s])

    def _points(self, seen: Seen) -> list[Point]:
        points: list[Point | None] = [rules.told_apart(seen)]
        if self.attempts is not None:
            points.append(rules.at_most(seen, self.attempts, f"exactly {self.attempts}"))
            points.append(rules.no_fewer(seen, self.attempts))
        elif self.attempts_max is not None:
            points.append(rules.at_most(seen, self.attempts_max, f"at most {self.attempts_max}"))
        points.append(rules.none_after_success(seen))
        if not self.retry_on_4xx:
            points.append(rules.none_after_4xx(seen))
        if self.same_key:
            points.append(rules.same_key(seen))
        if self.honour_retry_after:
            points.append(rules.honours_retry_after(seen))
        if self.budget_ratio_max is not None:
            points.append(rules.within_budget(seen, self.budget_ratio_max))
        gaps_s = waits([one for one in seen.operations if one.sure])
        grown = backoff(gaps_s, factor=self.backoff_factor_min or 2.0)
        if self.backoff_factor_min is not None:
            points.append(rules.grows(grown, self.backoff_factor_min, seen.link))
        if self.jitter is not None:
            points.append(rules.jittered(grown, self.jitter, seen.link))
        return [point for point in points if point is not None]

    def _passed(self, seen: Seen, points: list[Point]) -> str:
        """The sentence where all is well: what was seen, and then each point that was asked for by name."""
        most = max((len(one.attempts) for one in seen.troubled), default=1)
        made = "none was tried again" if most == 1 else f"made at most {most}"
        text = f"{len(seen.troubled):,} operations on {seen.link} had an attempt that failed, and {made}"
        shown = [point.clause for point in points if point.name in ("backoff", "jitter", "budget")]
        return "; ".join([text, *shown])

    @property
    def _of(self) -> str:
        return f" ({self.calls})" if self.calls else ""

    def _asked(self) -> list[str]:
        asked = []
        if self.attempts is not None:
            asked.append(f"exactly {self.attempts} attempts")
        elif self.attempts_max is not None:
            asked.append(f"at most {self.attempts_max} attempts")
        asked.append("none after a success" + ("" if self.retry_on_4xx else " or a 4xx"))
        if self.backoff_factor_min is not None:
            asked.append(f"gaps grow by {self.backoff_factor_min:g}")
        if self.jitter is not None:
            asked.append("with jitter" if self.jitter else "without jitter")
        if self.budget_ratio_max is not None:
            asked.append(f"at most {self.budget_ratio_max:.0%} of operations")
        return asked
