"""The alerts of a run, a lane each: when it was firing, and by when it had to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.alerts import Firing
from harness.record import Verdict

SERVICE = ("service", "job", "instance")
"""The labels that name what an alert is about, the first that there is."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One alert: its name and service, its firings, and by when it was `due_s`, where a check says so."""

    name: str
    firings: tuple[Firing, ...] = ()
    due_s: tuple[float, ...] = ()

    def in_words(self) -> str:
        """`16.2 s, due by 20.0 s`, how often, and whether it is resolved."""
        first_s = self.firings[0].fired_s if self.firings else None
        said = "never" if first_s is None else "in the warm-up" if first_s < 0 else f"{first_s:.1f} s"
        said += f", due by {min(self.due_s):.1f} s" if self.due_s else ""
        said += f", {len(self.firings)} times" if len(self.firings) > 1 else ""
        return said + (", not resolved" if self.firings and self.firings[-1].resolved_s is None else "")


def alert_lanes(found: Sequence[Firing], verdicts: Sequence[Verdict]) -> list[Lane]:
    """A lane each alert and service that fired, by the first time; then those that were due and never did."""
    due = [pair for verdict in verdicts for pair in _due(verdict)]
    fired = dict.fromkeys((one.name, service_of(one)) for one in found)
    never = dict.fromkeys((name, "") for name, _ in due if all(name != of for of, _ in fired))
    return [
        Lane(
            f"{name} {service}".strip(),
            tuple(one for one in found if (one.name, service_of(one)) == (name, service)),
            tuple(due_s for of, due_s in due if of == name),
        )
        for name, service in (*fired, *never)
    ]


def service_of(one: Firing) -> str:
    return next((one.labels[name] for name in SERVICE if one.labels.get(name)), "")


def _due(verdict: Verdict) -> Iterator[tuple[str, float]]:
    """The alert that a verdict is of, and each time by which it had to come."""
    for key, value in verdict.evidence.items():
        if key.endswith("fires: due_s") and isinstance(value, int | float):
            yield verdict.check.partition(": ")[2], float(value)
