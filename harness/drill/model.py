"""READ FIRST. What a drill says: a disaster, the alert that tells of it, the runbook that recovers it, its objectives.

Pure, as model.py is: a file of drills/ defines `drill`, and imports harness only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.bounds import positive
from harness.model import Fault, Load

PERIOD_DAYS = 92
"""A quarter."""


@dataclass(frozen=True, slots=True)
class Writes:
    """How the writes that clients made are found again: GET `path` of `service` answers {"keys": {KEY: COUNT, ...}}.

    A write is a request of the load that bears an Idempotency-Key.
    """

    service: str
    path: str

    def __post_init__(self) -> None:
        if str(self.path)[:1] != "/":
            raise ValueError(f"path must begin with /, as in /writes; given {self.path!r}")


@dataclass(frozen=True, slots=True)
class Job:
    """What cron would do meanwhile: `command`, by sh, each `every_s` from the start of the load to the end."""

    command: str
    every_s: float

    def __post_init__(self) -> None:
        positive("every_s", self.every_s)
        if not self.command.strip():
            raise ValueError("command is empty; give what cron would run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One disaster and its recovery. Times are seconds.

    `before` is a command, by sh, that must succeed before the disaster, asked again until it does (a first backup is
    there); `disaster` goes in at once, fault after fault, and is not healed: the runbook must do that. `alert` is the
    alertname that must come within `detected_within_s`; without one the disaster is known at once. `rpo_s` bounds what
    may be lost, `rto_s` the time until the load is served again. `within_s` bounds all of it, from the disaster.
    `variables` are for the Compose file, where the environment has none of that name.
    """

    objective: str
    load: Load
    disaster: tuple[Fault, ...]
    runbook: str
    rto_s: float
    rpo_s: float = 0.0
    alert: str = ""
    detected_within_s: float = 30.0
    answers: Mapping[str, str] = field(default_factory=dict)
    writes: Writes | None = None
    before: str = ""
    jobs: tuple[Job, ...] = ()
    baseline_s: float = 8.0
    settle_s: float = 5.0
    within_s: float = 150.0
    ok_ratio_min: float = 0.95
    variables: Mapping[str, str] = field(default_factory=dict)
    period_days: int = PERIOD_DAYS
    participants: Mapping[str, str] = field(default_factory=dict)
    scope: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.objective, str) or not self.objective.strip():
            raise ValueError("objective must be a sentence that the drill can prove wrong; given nothing")
        if not isinstance(self.load, Load):
            raise ValueError(f'load must be a Load, as in Load("shop.py", rate_per_s=20); given {self.load!r}')
        if self.load.model == "shape":
            raise ValueError("a drill ends when it has recovered: give its load rate_per_s, ramp, steps or users")
        if not isinstance(self.disaster, tuple) or not self.disaster:
            raise ValueError(f"disaster must be a tuple of faults, as in (Kill('postgres'),); given {self.disaster!r}")
        for one in self.disaster:
            if isinstance(one, type) or not callable(getattr(one, "inject", None)):
                raise ValueError(f"disaster holds faults, as in Kill('postgres'); given {one!r}")
        if not self.runbook:
            raise ValueError("runbook is the name of a file of runbooks/, without .md; given nothing")
        for name in ("rto_s", "detected_within_s", "baseline_s", "settle_s", "within_s", "period_days"):
            positive(name, getattr(self, name))
        positive("rpo_s", self.rpo_s, zero_allowed=True)
        if not 0 < self.ok_ratio_min <= 1:
            raise ValueError(f"ok_ratio_min must be above 0 and at most 1; given {self.ok_ratio_min!r}")
