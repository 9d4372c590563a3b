"""Drill -> plan of a run. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.drill.model import Drill
from harness.model import Scenario, during
from harness.plan import Plan, plan
from harness.record import History, Verdict, Word

BEFORE_WITHIN_S = 90.0
"""What a drill's `before` may take; the load goes on meanwhile."""


@dataclass(frozen=True, slots=True)
class Objectives:
    """What a drill is judged by: in its record, and not here."""

    rto_s: float
    rpo_s: float

    def __str__(self) -> str:
        return f"served again within {self.rto_s:g} s, with no loss older than {self.rpo_s:g} s"

    def check(self, history: History) -> Verdict:
        return Verdict("Objectives", Word.UNKNOWN, "a drill is judged in its record")


def plan_of(name: str, drill: Drill) -> Plan:
    """The plan of a drill. The disaster is a window for each of its faults, from the end of the baseline, as long as
    the drill may take; the load ends when the drill does."""
    scenario = Scenario(
        hypothesis=drill.objective,
        load=drill.load,
        faults=during(drill.baseline_s, drill.baseline_s + drill.within_s, *drill.disaster),
        checks=(Objectives(drill.rto_s, drill.rpo_s),),
        recovery_s=drill.settle_s,
        seed=drill.seed,
        variables=drill.variables,
    )
    return replace(plan(name, scenario), calm_max_s=BEFORE_WITHIN_S, ledger=drill.writes is not None)
