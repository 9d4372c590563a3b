"""What a drill's picture and page say in a sentence, with its numbers."""

from __future__ import annotations

from harness.analysis.objectives import Timed
from harness.analysis.writes import Fate, Judged


def seconds(value_s: float) -> str:
    """`0.4 s`, `12.3 s`, `215 s`, `61 min`."""
    if value_s >= 3600:
        return f"{value_s / 60:,.0f} min"
    return f"{value_s:.1f} s" if value_s < 99.95 else f"{value_s:,.0f} s"


def timeline_title(recovery: Timed | None, judged: Judged | None, rto_s: float, rpo_s: float) -> str:
    """The title of the picture: when it was served again, and what was lost, against what was allowed."""
    return f"{served(recovery, rto_s)}; {lost(judged, rpo_s)}"


def served(recovery: Timed | None, rto_s: float) -> str:
    """`Served again 84.2 s after the disaster, within the RTO of 120 s`."""
    if recovery is None:
        return "No disaster happened"
    if recovery.rto_s is None:
        if recovery.gave_up_s is not None:
            return f"Not served again: given up {seconds(recovery.gave_up_s - recovery.disaster_s)} after the disaster"
        return f"Not served again in the {seconds(sum(recovery.phases_s.values()))} that were seen"
    how = "within" if recovery.met(rto_s) else f"{seconds(recovery.rto_s - rto_s)} past"
    return f"Served again {seconds(recovery.rto_s)} after the disaster, {how} the RTO of {rto_s:g} s"


def lost(judged: Judged | None, rpo_s: float) -> str:
    """`12 of 840 acknowledged writes lost, the oldest 1.8 s old, within the RPO of 5 s`."""
    if judged is None:
        return "writes were not followed"
    if judged.rpo_s is None:
        return "what was lost is not known"
    count = judged.counts[Fate.LOST]
    told = sum(one.acknowledged_s is not None for one in judged.writes)
    if not count:
        return f"none of {told:,} acknowledged writes lost"
    how = "outside" if judged.outside(rpo_s) else "within"
    if judged.lost_after == count:
        return f"{count:,} of {told:,} acknowledged writes lost, all of them after the disaster"
    age = f"the oldest {seconds(judged.rpo_s)} old, {how} the RPO of {rpo_s:g} s"
    return f"{count:,} of {told:,} acknowledged writes lost, {age}"


def lost_name(judged: Judged) -> str:
    """Over the window of lost writes."""
    count = judged.counts[Fate.LOST]
    return f"{count:,} write{'' if count == 1 else 's'} lost"
