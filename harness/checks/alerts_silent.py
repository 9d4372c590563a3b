"""AlertsSilent: no alert in calm, with what that says of the rate of false ones."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

from harness.analysis.alerts import Firing, firings
from harness.analysis.phases import spans
from harness.bounds import positive, whole
from harness.checks.alert_points import doubt, why_not_heard
from harness.checks.parts import percent
from harness.checks.points import Point, counted, verdict_of
from harness.record import History, Scalar, Verdict, Word


@dataclass(frozen=True, slots=True)
class AlertsSilent:
    """No alert fires in `phase`, nor goes on into it, but those that are named.

    None in n evaluations of the rules shows that at most 3/n of them raise a false one (at 95 %). n is the time watched
    over `evaluation_s` (Prometheus's own default is a minute), or `evaluations`.
    """

    _: KW_ONLY
    phase: str = "baseline"
    but: tuple[str, ...] = ()
    evaluation_s: float = 60.0
    evaluations: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.but, str):
            raise ValueError(f"but is a tuple of names; given {self.but!r}, write a comma after it")
        if not isinstance(self.but, tuple) or not all(isinstance(one, str) for one in self.but):
            raise ValueError(f'but is a tuple of names, as in ("Watchdog",); given {self.but!r}')
        positive("evaluation_s", self.evaluation_s)
        if self.evaluations is not None:
            whole("evaluations", self.evaluations)

    def __str__(self) -> str:
        but = f" but {', '.join(self.but)}" if self.but else ""
        return f"no alert{but} fires ({self.phase})"

    def at_baseline(self) -> AlertsSilent:
        return replace(self, phase="baseline")

    def check(self, history: History) -> Verdict:
        check = "Alerts silent"
        missing = why_not_heard(history)
        if missing is not None:
            return verdict_of(check, [Point("heard", Word.UNKNOWN, missing)], "")
        found = [one for one in firings(history.notices or ()) if one.name not in self.but]
        points = [self._point(history, found, *span) for span in spans(history, self.phase)]
        return verdict_of(check, points, "; ".join(one.clause for one in points))

    def _point(self, history: History, found: list[Firing], name: str, start_s: float, end_s: float) -> Point:
        loud = [one for one in found if start_s <= one.fired_s < end_s or one.is_on(start_s)]
        count = self.evaluations or int((end_s - start_s) / self.evaluation_s)
        if loud:
            first = loud[0]
            more = f", and {counted(len(loud) - 1, 'more alert')}" if len(loud) > 1 else ""
            since = (
                "fired before it began and went on into"
                if first.fired_s < start_s
                else f"fired at {first.fired_s:.1f} s, in"
            )
            clause = f"{first.name} {since} {name}{more}; none wanted{self._but}"
            numbers: dict[str, Scalar] = {
                "alerts": len(loud),
                "first": first.name,
                "first_s": first.fired_s,
                "evaluations": count,
            }
            return Point(name, Word.FAIL, clause, numbers)
        clause = f"no alert fired in {name}"
        if why := doubt(history):
            return Point(name, Word.UNKNOWN, f"{clause}, but {why}", {"evaluations": count})
        if count == 0:
            clause = (
                f"{clause}, but its {end_s - start_s:g} s hold no evaluation of the rules, which come each "
                f"{self.evaluation_s:g} s; say evaluation_s, or watch longer"
            )
            return Point(name, Word.UNKNOWN, clause, {"evaluations": 0})
        rate = min(1.0, 3 / count)
        clause = (
            f"{clause}: 0 in {counted(count, 'evaluation')} says that at most {percent(rate)} of them raise one (3/n)"
        )
        return Point(name, Word.PASS, f"{clause}{self._but}", {"evaluations": count, "rate_max": round(rate, 6)})

    @property
    def _but(self) -> str:
        return f", {' and '.join(self.but)} left out" if self.but else ""
