"""A circuit breaker, proved from outside: six points, each with its sentence."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from harness.analysis.recovery import HOLD_S
from harness.bounds import positive, whole
from harness.checks import breaker_points as six
from harness.checks.points import Point, verdict_of, why_not_seen
from harness.record import History, Verdict, Word

NAMES = ("opens", "fast while open", "probes", "closes", "opens anew")


@dataclass(frozen=True, slots=True)
class Breaker:
    """The client of a link stops calling it while it fails, and calls it again when it is well.

    1. It opens within `opens_within_s` of the fault, after `threshold` failed calls at most and those under way.
    2. While it is open, p99 of the load (of one `endpoint` of it) is at most `fast_p99_ms`, or half of what a failing
       call takes. 3. It probes with at most `probes_max` calls at once (times the processes of the client), not before
    `reset_s` are over. 4. After the fault it closes within `reset_s`, and goodput is back. 5. A failing probe opens it
    anew. 6. It never opens in calm. `calls` is one "POST /charges" or "/charges" of the link.

    The fault must make calls slow or let them hang: a refused connection is fast without a breaker.
    """

    link: str
    _: KW_ONLY
    opens_within_s: float
    threshold: int | None = None
    reset_s: float | None = None
    probes_max: int = 1
    fast_p99_ms: float | None = None
    endpoint: str | None = None
    calls: str | None = None

    def __post_init__(self) -> None:
        positive("opens_within_s", self.opens_within_s)
        whole("probes_max", self.probes_max)
        if self.threshold is not None:
            whole("threshold", self.threshold)
        for name in ("reset_s", "fast_p99_ms"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name))

    def __str__(self) -> str:
        return f"the breaker on {self.link} opens within {self.opens_within_s:g} s, probes, and closes when all is well"

    @property
    def recovery_needed_s(self) -> float:
        """How long a run must go on after its last window for the breaker to be seen to close."""
        return (self.reset_s or 0.0) + six.EPSILON_S + HOLD_S

    def check(self, history: History) -> Verdict:
        check = f"Breaker: {self.link}"
        if (missing := why_not_seen(history, self.link)) is not None:
            return verdict_of(check, [Point("tap", Word.UNKNOWN, missing)], "")
        seen = six.Seen(history, self.link, self.calls)
        reason = six.why_not_judged(seen, self)
        if reason is not None:
            points = [Point(name, Word.UNKNOWN, reason) for name in NAMES]
        else:
            points = [judge(seen, self) for judge in (six.opens, six.fast, six.probes, six.closes, six.reopens)]
        points.append(six.calm(seen, self))
        return verdict_of(check, points, "; ".join(point.clause for point in points), calls=self.calls)
