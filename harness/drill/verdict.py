"""Judges a drill by what is known of it. Pure: it looks at marks, at what came of the runbook, at the judged writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.objectives import Timed
from harness.analysis.writes import Judged
from harness.ending import BASELINE_BAD
from harness.record import Mark, Word


@dataclass(frozen=True, slots=True)
class Facts:
    """What a drill is judged by. `opening` is what its record says before it begins (body.py); `execution` is that of
    the runbook, None where it was not begun; `judged` None where the drill has no writes; `reason` is the run's own;
    `written`: how many writes were sent after it was served again, and how many of them were acknowledged; `limited`:
    why the load is not to be trusted, "" where it is."""

    opening: Mapping[str, Any]
    marks: Sequence[Mark]
    timed: Timed | None
    execution: Mapping[str, Any] | None
    judged: Judged | None
    hears_alerts: bool
    reason: str
    written: tuple[int, int]
    limited: str

    def mark(self, kind: str) -> Mark | None:
        return next((one for one in self.marks if one.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that a drill is judged by. `step` is the runbook's step that it names, "" where it names none."""

    name: str
    word: Word
    sentence: str
    step: str = ""


def checks(facts: Facts) -> tuple[Checked, ...]:
    """All of them, the gravest kind first; none where no disaster happened."""
    if facts.timed is None:
        return ()
    found = [_recovered(facts), _runbook(facts), _rto(facts), _alert(facts), _generator(facts)]
    if facts.judged is not None:
        rpo_s = float(facts.opening["objectives"]["rpo_s"])
        found += [_rpo(facts.judged, rpo_s)]
        found += [Checked("writes", facts.judged.word(rpo_s), facts.judged.sentence(rpo_s))]
        if facts.mark("served") is not None:
            found += [_written(facts, facts.judged.whole)]
    return (*found, *_sabotage(facts, found))


def verdict(facts: Facts, found: Sequence[Checked]) -> Checked:
    """The drill's own word: fail beats unknown beats pass; what was called off, or never began, is unknown."""
    if stopped := _stopped(facts):
        if (failed := _failed_before(facts, found)) is not None:
            return Checked("drill", Word.FAIL, f"{failed.sentence}; then {stopped}", failed.step)
        return Checked("drill", Word.UNKNOWN, stopped, _step(facts))
    if facts.timed is None:
        return _not_begun(facts)
    for word in (Word.FAIL, Word.UNKNOWN):
        wrong = [one for one in found if one.word is word]
        if wrong:
            named = next((one for one in wrong if one.step), wrong[0])
            told = next((one for one in found if one.name == "sabotage"), named)
            return Checked("drill", word, told.sentence, told.step)
    return Checked("drill", Word.PASS, "; ".join(one.sentence for one in found if one.name in ("rto", "writes", "rpo")))


def _stopped(facts: Facts) -> str:
    """What ended a drill before its end, "" where nothing did."""
    if (signal := facts.mark("interrupted")) is not None:
        return f"aborted by signal {signal.data.get('signal')}{_where(facts)}"
    if facts.mark("end") is None:
        return f"aborted: the harness was killed{_where(facts)}"
    return f"cut short: {facts.reason}" if facts.timed is not None and facts.reason != "complete" else ""


def _failed_before(facts: Facts, found: Sequence[Checked]) -> Checked | None:
    """What had failed before it was stopped, and not for that."""
    if facts.timed is None:
        unbegun = _not_begun(facts)
        return unbegun if unbegun.word is Word.FAIL else None
    happened = {
        "recovered": facts.mark("gave_up") is not None,
        "runbook": facts.execution is not None and bool(facts.execution["failed_at"]),
        "rto": facts.timed.rto_s is not None,
        "alert": facts.mark("undetected") is not None,
        "sabotage": False,
    }
    return next((one for one in found if one.word is Word.FAIL and happened.get(one.name, True)), None)


def _not_begun(facts: Facts) -> Checked:
    if facts.reason == BASELINE_BAD:
        judged = facts.mark("baseline_judged")
        why = judged.data.get("sentence", "") if judged else ""
        return Checked("drill", Word.UNKNOWN, f"nothing was destroyed, since the baseline was bad: {why}")
    if (gave_up := facts.mark("gave_up")) is not None:
        return Checked("drill", Word.FAIL, str(gave_up.data["why"]), str(gave_up.data.get("step", "")))
    return Checked("drill", Word.UNKNOWN, f"nothing was destroyed: {facts.reason}")


def _where(facts: Facts) -> str:
    at = [one.at_s for one in facts.marks if one.at_s is not None]
    when = f" after {at[-1]:.1f} s" if at else " while it was starting"
    step = _step(facts)
    return f"{when}{f', in step {step}' if step else ''}"


def _step(facts: Facts) -> str:
    """The step that was going on in the end."""
    begun = ""
    for mark in facts.marks:
        if mark.kind == "step_began":
            begun = str(mark.data.get("step", ""))
        elif mark.kind == "step_ended":
            begun = ""
    return begun


def _recovered(facts: Facts) -> Checked:
    served, gave_up = facts.mark("served"), facts.mark("gave_up")
    if served is not None:
        return _served(served, alerted=any(one.kind == "detected" and one.data.get("alert") for one in facts.marks))
    if gave_up is None:
        return Checked("recovered", Word.UNKNOWN, "the drill ended before it had recovered")
    return Checked("recovered", Word.FAIL, f"not recovered: {gave_up.data['why']}", str(gave_up.data.get("step", "")))


def _served(served: Mark, *, alerted: bool) -> Checked:
    """A disaster that neither the load nor an alert told of shows nothing of its recovery."""
    if served.data.get("hurt", True):
        return Checked("recovered", Word.PASS, "recovered by the runbook; the load was served again")
    if served.data.get("felt", False):
        how = "the load was served again before the runbook had changed anything"
        return Checked("recovered", Word.PASS, f"recovered; {how}")
    if alerted:
        return Checked("recovered", Word.PASS, "recovered by the runbook; the load was served all the while")
    why = "nobody felt the disaster: the load was served all the while, and no alert told of it"
    return Checked("recovered", Word.UNKNOWN, why)


def _runbook(facts: Facts) -> Checked:
    if facts.execution is None:
        return Checked("runbook", Word.UNKNOWN, "the runbook was not begun")
    steps = facts.execution["steps"]
    count = (
        f"{sum(one['executed'] for one in steps)} of {len(steps)} steps of {facts.execution['runbook']} were executed"
    )
    at = str(facts.execution["failed_at"] or facts.execution.get("stopped_at") or "")
    if not at:
        return Checked("runbook", Word.PASS, count)
    said = next((one["sentence"] for one in steps if one["id"] == at), "")
    how, word = ("failed", Word.FAIL) if facts.execution["failed_at"] else ("stopped", Word.FAIL)
    return Checked("runbook", word, f"step {at} {how}: {said}; {count}", at)


def _rto(facts: Facts) -> Checked:
    objective_s = float(facts.opening["objectives"]["rto_s"])
    actual_s = facts.timed.rto_s if facts.timed else None
    if actual_s is None:
        return Checked("rto", Word.FAIL, f"it was not recovered, and should be within {objective_s:g} s")
    word = Word.PASS if actual_s <= objective_s else Word.FAIL
    return Checked("rto", word, f"RTO {actual_s:.1f} s, objective {objective_s:g} s")


def _rpo(judged: Judged, objective_s: float) -> Checked:
    if judged.rpo_s is None:
        return Checked("rpo", Word.UNKNOWN, "RPO is not known: the writes could not be read back")
    word = Word.PASS if judged.rpo_s <= objective_s else Word.FAIL
    return Checked("rpo", word, f"RPO {judged.rpo_s:.1f} s, objective {objective_s:g} s")


def _written(facts: Facts, whole: bool) -> Checked:
    """Reads that are served again, from a cache or a standby, are no recovery where writes are asked for."""
    sent, acknowledged = facts.written
    if acknowledged:
        return Checked(
            "written",
            Word.PASS,
            f"{acknowledged:,} of {sent:,} writes that were sent after it was served again were acknowledged",
        )
    if sent and whole:
        said = f"none of {sent:,} writes that were sent after it was served again was acknowledged"
        return Checked("written", Word.FAIL, said)
    why = "the ledger of writes ends early" if not whole else "none was sent; give the drill a longer settle_s"
    return Checked("written", Word.UNKNOWN, f"whether writes are done again is not known: {why}")


def _generator(facts: Facts) -> Checked:
    if facts.limited:
        return Checked("generator", Word.UNKNOWN, f"generator-limited: {facts.limited}")
    return Checked("generator", Word.PASS, "the load was sent as it was asked for")


def _alert(facts: Facts) -> Checked:
    alert, within_s = str(facts.opening["alert"]), float(facts.opening["detected_within_s"])
    if not alert:
        return Checked("alert", Word.PASS, "no alert is asked for: such a disaster is known at once")
    detected = facts.mark("detected")
    if detected is not None and detected.at_s is not None and facts.timed is not None:
        after_s = detected.at_s - facts.timed.disaster_s
        return Checked("alert", Word.PASS, f"alert {alert} came {after_s:.1f} s after, within {within_s:g} s")
    if not facts.hears_alerts:
        return Checked("alert", Word.UNKNOWN, f"whether alert {alert} came is not known: nothing listened for it")
    return Checked("alert", Word.FAIL, f"alert {alert} did not come within {within_s:g} s")


def _sabotage(facts: Facts, others: Sequence[Checked]) -> Sequence[Checked]:
    step = str(facts.opening.get("sabotage") or "")
    if not step:
        return ()
    began_s = next((one.at_s for one in facts.marks if _is_of(one, "step_began", step)), None)
    if began_s is None:
        return [Checked("sabotage", Word.FAIL, f"step {step} was not reached, so nobody could notice", step)]
    if seen := _seen_since(facts, others, began_s):
        said = f"step {step} was sabotaged, and that was noticed: {seen}"
        return [Checked("sabotage", Word.PASS, said, step)]
    said = f"nobody noticed: step {step} did nothing, and neither it nor anything after it failed for that"
    return [Checked("sabotage", Word.FAIL, said, step)]


def _is_of(mark: Mark, kind: str, step: str) -> bool:
    return mark.kind == kind and mark.data.get("step") == step


def _seen_since(facts: Facts, others: Sequence[Checked], began_s: float) -> str:
    """What failed since a step began, in a sentence, "" where nothing did. What was wrong before it, as an alert that
    did not come, shows nothing of that step."""
    said = {one.name: one.sentence for one in others if one.word is Word.FAIL}
    since = [one for one in facts.marks if one.at_s is not None and one.at_s >= began_s]
    before = [one for one in facts.marks if one.at_s is not None and one.at_s < began_s]
    at = str(facts.execution["failed_at"] or facts.execution.get("stopped_at") or "") if facts.execution else ""
    rolled_back_badly = any(one.kind == "step_ended" and one.data.get("word") == "fail" for one in since)
    if rolled_back_badly or (at and not any(_is_of(one, "step_ended", at) for one in before)):
        return said.get("runbook", "")
    if any(_is_of(one, "gave_up", "served") for one in since):
        return said["recovered"]
    timed, rto_s = facts.timed, float(facts.opening["objectives"]["rto_s"])
    if "rto" in said and timed is not None and timed.rto_s is not None and began_s <= timed.disaster_s + rto_s:
        return said["rto"]
    return next((said[name] for name in ("written", "writes", "rpo") if name in said), "")
