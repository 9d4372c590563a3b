"""How long a recovery took, and on what: the time from the disaster to served again, split by the marks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.record import Mark

PHASES = ("detect", "decide", "fetch", "restore", "verify", "serve")
"""In the order in which a recovery goes through them. `serve` is from the last step's end to the first good second
under load; a recovery that was served before its runbook ended has none."""


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a recovery, seconds on the run's clock. `step` is the step's id, "" between steps."""

    phase: str
    start_s: float
    end_s: float
    step: str = ""

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Timed:
    """A recovery in time. `parts` follow one another without a gap from the disaster to its end; a phase may come more
    than once. `rto_s` is None where the load was not served again. `phases_s` splits it: they add up to `rto_s`, or, of
    a recovery that gave up, to the time until then."""

    disaster_s: float
    settled_s: float
    detected_s: float | None
    served_s: float | None
    gave_up_s: float | None
    why: str
    parts: tuple[Part, ...]
    phases_s: Mapping[str, float]

    @property
    def rto_s(self) -> float | None:
        return None if self.served_s is None else self.served_s - self.disaster_s

    @property
    def longest(self) -> tuple[str, float]:
        """The phase that took most."""
        return max(self.phases_s.items(), key=lambda one: one[1], default=("", 0.0))

    def met(self, rto_s: float) -> bool:
        """Whether the load was served again within the objective."""
        return self.rto_s is not None and self.rto_s <= rto_s


def timed(marks: Sequence[Mark], end_s: float | None = None) -> Timed | None:
    """The recovery that the marks tell of; None where no disaster happened. `end_s` is the end of the run: where the
    marks end early, it does too.

    Marks: disaster, injected, detected, step_began and step_ended (step, phase), served, gave_up (why). Between two
    steps it is the coming step's phase that waits.
    """
    disaster_s = _first(marks, "disaster")
    if disaster_s is None:
        return None
    since = [mark for mark in marks if mark.at_s is not None and mark.at_s >= disaster_s]
    served_s, gave_up_s = _first(since, "served"), _first(since, "gave_up")
    last_s = max((mark.at_s or 0.0 for mark in since), default=disaster_s)
    ended_s = served_s if served_s is not None else gave_up_s
    if ended_s is None:
        ended_s = max(disaster_s, last_s if end_s is None else end_s)
    steps = _steps(since, max(last_s, ended_s))
    detected_s = _first(since, "detected")
    known_s = detected_s if detected_s is not None else min([one.start_s for one in steps] + [ended_s])
    parts = [part for part in _parts(disaster_s, known_s, steps, ended_s) if part.end_s > part.start_s]
    spent = dict.fromkeys(PHASES, 0.0)
    for part in parts:
        spent[part.phase] += max(0.0, min(part.end_s, ended_s) - part.start_s)
    why = next((str(mark.data.get("why", "")) for mark in since if mark.kind == "gave_up"), "")
    settled = [mark.at_s for mark in since if mark.kind == "injected" and mark.at_s is not None]
    return Timed(
        disaster_s, max(settled, default=disaster_s), detected_s, served_s, gave_up_s, why, tuple(parts), spent
    )


def _first(marks: Sequence[Mark], kind: str) -> float | None:
    return next((mark.at_s for mark in marks if mark.kind == kind and mark.at_s is not None), None)


def _steps(marks: Sequence[Mark], until_s: float) -> list[Part]:
    """The steps of the recovery that were executed, in their order: one without a phase, as what is done when all is
    over, is none of it. One that never ended lasted to the end."""
    steps: list[Part] = []
    open_: dict[str, tuple[float, str]] = {}
    for mark in marks:
        at_s, step = mark.at_s or 0.0, str(mark.data.get("step", ""))
        if mark.kind == "step_began" and mark.data.get("phase") in PHASES:
            open_[step] = (at_s, str(mark.data["phase"]))
        elif mark.kind == "step_ended" and step in open_:
            began_s, phase = open_.pop(step)
            steps.append(Part(phase, began_s, at_s, step))
    steps += [Part(phase, began_s, until_s, step) for step, (began_s, phase) in open_.items()]
    return sorted(steps, key=lambda one: (one.start_s, one.end_s))


def _parts(disaster_s: float, known_s: float, steps: Sequence[Part], ended_s: float) -> list[Part]:
    """Detect, then step after step with what lies between them, then serve."""
    parts = [Part("detect", disaster_s, known_s)]
    at_s = known_s
    for step in steps:
        if step.end_s <= at_s:
            continue
        if step.start_s > at_s:
            parts.append(Part(step.phase if steps[0] is not step else "decide", at_s, step.start_s))
        parts.append(Part(step.phase, max(at_s, step.start_s), step.end_s, step.step))
        at_s = step.end_s
    parts.append(Part("serve", at_s, ended_s))
    return parts
