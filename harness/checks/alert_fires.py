"""AlertFires: an alert comes in time, says what it should, comes once, and is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

from harness.bounds import positive
from harness.checks import alert_points as ask
from harness.checks.parts import FAULTS
from harness.checks.points import Point, verdict_of
from harness.record import History, Verdict, Word


@dataclass(frozen=True, slots=True)
class AlertBound:
    """How long an alert takes at most, in seconds: until the fault shows (`symptom_s`), is scraped, evaluated, lasts
    `for`, until Alertmanager has its group together, and until it is delivered. The sum is the bound.
    """

    _: KW_ONLY
    scrape_s: float
    evaluation_s: float
    for_s: float
    group_wait_s: float
    delivery_s: float = 1.0
    symptom_s: float = 0.0

    def __post_init__(self) -> None:
        for name, _ in self._parts:
            positive(f"{name}_s", getattr(self, f"{name}_s"), zero_allowed=True)
        positive("the sum of an AlertBound", self.seconds)

    def __str__(self) -> str:
        return " + ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in self._parts if value)

    @property
    def seconds(self) -> float:
        return sum(value for _, value in self._parts)

    @property
    def _parts(self) -> tuple[tuple[str, float], ...]:
        return (
            ("symptom", self.symptom_s),
            ("scrape", self.scrape_s),
            ("evaluation", self.evaluation_s),
            ("for", self.for_s),
            ("group_wait", self.group_wait_s),
            ("delivery", self.delivery_s),
        )


@dataclass(frozen=True, slots=True)
class AlertFires:
    """The alert `name` fires after each fault, or after the window that `after` names; `after="run"`: after the start
    of the run, for what is wrong without a fault (in the warm-up, too).

    It comes within `within_s` of the fault, or within `bound`, which says what that is made of; never before; with
    `labels` and a link to a runbook; `once` each, however often it is sent again; and is resolved `resolves_within_s`
    after the fault at most. `service` is the label that tells which of several of that name is meant.
    """

    name: str
    _: KW_ONLY
    after: str = FAULTS
    within_s: float | None = None
    bound: AlertBound | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    runbook: bool = True
    resolves_within_s: float | None = None
    once: bool = True
    service: str | None = None

    def __post_init__(self) -> None:
        if (self.within_s is None) == (self.bound is None):
            raise ValueError(
                f"AlertFires takes one of within_s and bound, how late {self.name} may come; given "
                f"{'neither' if self.bound is None else 'both'}; bound=AlertBound(scrape_s=...) adds it up"
            )
        if self.bound is not None and not isinstance(self.bound, AlertBound):
            raise ValueError(f"bound is an AlertBound; given {self.bound!r}, which within_s would take")
        if not isinstance(self.after, str):
            raise ValueError(f'after is "faults", "run" or the name of a window; given {self.after!r}')
        for name in ("within_s", "resolves_within_s"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name))
        if not isinstance(self.labels, Mapping) or not all(isinstance(one, str) for one in self.labels.values()):
            raise ValueError(f'labels maps names to texts, as in {{"severity": "critical"}}; given {self.labels!r}')
        if self.after in ("baseline", "recovery"):
            raise ValueError(f'after is "faults", "run" or the name of a window; given {self.after!r}')
        if self.after == "run" and self.resolves_within_s is not None:
            raise ValueError('what is wrong all the run does not resolve; leave resolves_within_s out with after="run"')

    def __str__(self) -> str:
        with_labels = "".join(f" with {name}={value}" for name, value in self.labels.items())
        resolved = "" if self.resolves_within_s is None else f", resolved {self.resolves_within_s:g} s after"
        once = ", once" if self.once else ""
        return f"{self.name}{with_labels} fires within {self.limit_in_words}{once}{resolved} ({self.after})"

    @property
    def limit_s(self) -> float:
        return self.bound.seconds if self.bound is not None else self.within_s or 0.0

    @property
    def limit_in_words(self) -> str:
        """`3 s`, or `31 s (scrape 15 + evaluation 15 + delivery 1)`."""
        return f"{self.limit_s:g} s" + (f" ({self.bound})" if self.bound is not None else "")

    @property
    def recovery_needed_s(self) -> float:
        """How long a run must go on after its last window for the alert to be seen resolved."""
        return self.resolves_within_s or 0.0 if self.after == FAULTS else 0.0

    def check(self, history: History) -> Verdict:
        check = f"Alert: {self.name}"
        missing = ask.why_not_heard(history)
        troubles = ask.troubles(history, self.after)
        if missing is None and not troubles:
            what = "nothing" if self.after == FAULTS else f"no window {self.after!r}"
            missing = f"{what} was injected, so {self.name} was not due"
        if missing is not None:
            return verdict_of(check, [Point("heard", Word.UNKNOWN, missing)], "")
        seen = ask.heard(history, self.name, self.service)
        points: list[Point] = []
        for trouble in troubles:
            found = ask.points_of(seen, trouble, self)
            several = f"{trouble.name}: " if len(troubles) > 1 else ""
            points += [Point(f"{several}{one.name}", one.word, one.clause, one.numbers) for one in found]
        told = [one.clause for one in points if one.name.endswith(("fires", "once", "resolves"))]
        return verdict_of(check, points, "; ".join(told))
