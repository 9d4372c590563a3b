"""What a drill's run folder tells of it once more, beside what its signed record says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness import history as histories
from harness.analysis.objectives import Timed, timed
from harness.analysis.series import Series, series
from harness.analysis.writes import Judged, judge
from harness.drill.writes import FOUND, LEDGER, read_found, read_ledger
from harness.errors import HarnessError
from harness.record import Mark
from harness.store import RunFolder

SAME_S = 0.01
"""Times that differ by less are the same: a record rounds them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`load` is None where nothing can be drawn. `warnings` say in what the folder is not whole, or not as it was when
    the record was signed."""

    load: Series | None
    recovery: Timed | None
    judged: Judged | None
    marks: tuple[Mark, ...]
    end_s: float
    warnings: tuple[str, ...]


def evidence(folder: RunFolder, body: Mapping[str, Any]) -> Evidence:
    """Of what is left. Raises nothing for a folder that is damaged: the record is what counts."""
    warnings: list[str] = []
    load, end_s = None, 0.0
    marks = histories.read_marks(folder.marks)
    try:
        history = histories.read(folder)
        end_s = max((phase.end_s for phase in history.phases), default=0.0)
        if not history.samples.empty and end_s > 0:
            load = series(history)
    except HarnessError as error:
        warnings.append(f"The run folder is not whole: {error}")
    ends = [mark.at_s for mark in marks if mark.kind == "end" and mark.at_s is not None]
    recovery = timed(marks, ends[0] if ends else end_s or None)
    judged = _judged(folder, recovery) if body.get("writes") is not None and recovery is not None else None
    warnings += _differences(body, recovery, judged)
    return Evidence(load, recovery, judged, marks, end_s, tuple(warnings))


def _judged(folder: RunFolder, recovery: Timed) -> Judged:
    ledger = read_ledger(folder.path / LEDGER)
    try:
        found = read_found(folder.path / FOUND)
        return judge(ledger, found.keys, recovery.disaster_s, recovery.settled_s, why_unread=found.why)
    except HarnessError as error:
        return judge(ledger, None, recovery.disaster_s, recovery.settled_s, why_unread=str(error))


def _differences(body: Mapping[str, Any], recovery: Timed | None, judged: Judged | None) -> list[str]:
    """Where folder and record disagree."""
    pairs = [("RTO", body["actual"]["rto_s"], recovery.rto_s if recovery else None)]
    if body.get("writes") is not None:
        pairs.append(("RPO", body["actual"]["rpo_s"], judged.rpo_s if judged else None))
        for name, count in body["writes"].items():
            pairs.append((f"count of {name} writes", count, judged.counts.get(name) if judged else None))
    out = []
    for name, said, seen in pairs:
        if (said is None) != (seen is None) or (said is not None and seen is not None and abs(said - seen) > SAME_S):
            was, now = ("unknown" if value is None else f"{value:g}" for value in (said, seen))
            out.append(
                f"The {name} was {was} when the record was signed, and is {now} by what is in the run folder now."
            )
    return out
