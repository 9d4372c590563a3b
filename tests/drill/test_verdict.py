"""What a drill is judged to be, on marks and executions that are built by hand."""

from __future__ import annotations

import pytest

from harness.analysis.objectives import timed
from harness.analysis.writes import Ledger, Request, judge
from harness.drill.verdict import Facts, checks, verdict
from harness.record import Mark, Outcome, Word

OPENING = {"objectives": {"rto_s": 30.0, "rpo_s": 1.0}, "alert": "Down", "detected_within_s": 5.0, "sabotage": ""}
RECOVERED = (
    Mark("disaster", 10.0),
    Mark("injected", 10.1),
    Mark("detected", 12.0, {"alert": "Down"}),
    Mark("step_began", 12.0, {"step": "start", "phase": "restore"}),
    Mark("step_ended", 15.0, {"step": "start", "phase": "restore", "word": "pass"}),
    Mark("served", 16.0, {"hurt": True}),
    Mark("end", 25.0, {"reason": "complete"}),
)


def _step(name, word="pass", *, executed=True, sentence="as expected"):
    return {"id": name, "word": word, "executed": executed, "sentence": sentence}


def _execution(*steps, failed_at="", stopped_at=""):
    return {
        "runbook": "down",
        "failed_at": failed_at,
        "stopped_at": stopped_at,
        "rolled_back": False,
        "steps": list(steps or (_step("start"),)),
    }


def _writes(acknowledged_s=(1.0, 9.9), found=("w0", "w1")):
    sent = [
        Request(f"w{n}", "POST /checkout", at, at, at, Outcome.OK, 201) for n, at in enumerate(acknowledged_s)
    ]  # fmt: skip
    return judge(Ledger(tuple(sent)), None if found is None else dict.fromkeys(found, 1), 10.0, 10.1)


def _facts(
    marks=RECOVERED,
    *,
    execution="default",
    judged="default",
    hears=True,
    reason="complete",
    written=(9, 9),
    limited="",
    **opening,
):
    return Facts(
        opening={**OPENING, **opening},
        marks=marks,
        timed=timed(marks),
        execution=_execution() if execution == "default" else execution,
        judged=_writes() if judged == "default" else judged,
        hears_alerts=hears,
        reason=reason,
        written=written,
        limited=limited,
    )


def _judged(facts):
    return verdict(facts, checks(facts))


def _without(*kinds):
    return tuple(mark for mark in RECOVERED if mark.kind not in kinds)


def test_a_drill_that_met_its_objectives_passes_with_its_numbers():
    """Recovered in time, nothing lost, the alert in time."""
    found = _judged(_facts())
    assert found.word is Word.PASS
    written = next(one.sentence for one in checks(_facts()) if one.name == "written")
    assert written == "9 of 9 writes that were sent after it was served again were acknowledged"
    assert "RTO 6.0 s, objective 30 s" in found.sentence
    assert "RPO 0.0 s, objective 1 s" in found.sentence


def test_a_drill_that_did_not_recover_names_the_step():
    """That at which the runbook failed."""
    why = "the runbook failed at start: x"
    marks = (*_without("served", "end"), Mark("gave_up", 40.0, {"step": "start", "why": why}))
    facts = _facts((*marks, Mark("end", 41.0)), execution=_execution(_step("start", "fail"), failed_at="start"))
    found = _judged(facts)
    assert (found.word, found.step) == (Word.FAIL, "start")
    assert "the runbook failed at start: x" in found.sentence


@pytest.mark.parametrize(
    ("change", "word", "says"),
    [
        ({"objectives": {"rto_s": 5.0, "rpo_s": 1.0}}, Word.FAIL, "RTO 6.0 s, objective 5 s"),
        ({"judged": _writes(found=["w0"])}, Word.PASS, "within the RPO"),
        ({"judged": _writes(found=["w1"])}, Word.FAIL, "RPO 9.0 s, objective 1 s"),
        ({"judged": _writes(found=None)}, Word.UNKNOWN, "could not be read back"),
        ({"marks": _without("detected")}, Word.FAIL, "alert Down did not come within 5 s"),
        ({"marks": _without("detected"), "hears": False}, Word.UNKNOWN, "nothing listened"),
        ({"judged": None}, Word.PASS, "RTO 6.0 s"),
        ({"written": (9, 0)}, Word.FAIL, "none of 9 writes that were sent after it was served again was acknowledged"),
        ({"written": (0, 0)}, Word.UNKNOWN, "none was sent; give the drill a longer settle_s"),
        ({"written": (9, 1)}, Word.PASS, "RTO 6.0 s"),
        ({"judged": None, "written": (0, 0)}, Word.PASS, "RTO 6.0 s"),
        ({"limited": "it was late"}, Word.UNKNOWN, "generator-limited: it was late"),
        ({"limited": "it was late", "written": (9, 0)}, Word.FAIL, "none of 9 writes"),
    ],
)
def test_each_objective_counts(change, word, says):
    """Too slow, too much lost, no alert: a fail; what cannot be told: unknown."""
    found = _judged(_facts(**change))
    assert (found.word, says in found.sentence) == (word, True), found.sentence


@pytest.mark.parametrize(
    ("served", "alert", "word"),
    [
        ({"hurt": False, "felt": False}, "", Word.UNKNOWN),
        ({"hurt": False, "felt": False}, "Down", Word.PASS),
        ({"hurt": False, "felt": True}, "", Word.PASS),
        ({"hurt": True, "felt": True}, "", Word.PASS),
    ],
)
def test_a_disaster_that_neither_load_nor_alert_told_of_proves_no_recovery(served, alert, word):
    """Served all the while and without an alert it is unknown; either of them is enough."""
    marks = [Mark(one.kind, one.at_s, served) if one.kind == "served" else one for one in RECOVERED]
    marks = [Mark(one.kind, one.at_s, {"alert": alert}) if one.kind == "detected" else one for one in marks]
    found = _judged(_facts(marks, alert=alert))
    assert (found.word, "nobody felt the disaster" in found.sentence) == (word, word is Word.UNKNOWN)


def test_a_write_acknowledged_after_the_disaster_and_lost_is_a_fail_however_large_the_rpo():
    """The objective excuses what was lost before."""
    facts = _facts(judged=_writes((1.0, 20.0), ["w0"]), objectives={"rto_s": 30.0, "rpo_s": 100.0})
    assert _judged(facts).word is Word.FAIL


def test_a_step_that_did_nothing_and_nobody_noticed_is_named():
    """Though all else is well, the drill fails: its runbook has a step that proves nothing."""
    found = _judged(_facts(sabotage="start"))
    assert (found.word, found.step) == (Word.FAIL, "start")
    assert found.sentence.startswith("nobody noticed: step start did nothing")


LOST = judge(Ledger((Request("w0", "POST /checkout", 1.0, 1.0, 1.0, Outcome.OK, 201),)), {}, 10.0, 10.1)
UNHEARD = (*(one for one in RECOVERED if one.kind != "detected"), Mark("undetected", 11.0, {"alert": "Down"}))
ROLLED_BACK = (
    Mark("disaster", 10.0),
    Mark("detected", 12.0, {"alert": "Down"}),
    Mark("step_began", 12.0, {"step": "start", "phase": "restore"}),
    Mark("step_ended", 13.0, {"step": "start", "phase": "restore", "word": "fail"}),
    Mark("step_began", 14.0, {"step": "undo", "phase": ""}),
    Mark("step_ended", 15.0, {"step": "undo", "phase": "", "word": "pass"}),
    Mark("gave_up", 16.0, {"step": "start", "why": "the runbook failed at start: x"}),
    Mark("end", 25.0, {"reason": "complete"}),
)
FAILED_FIRST = _execution(_step("start", "fail"), _step("undo"), failed_at="start")


@pytest.mark.parametrize(
    ("change", "notices"),
    [
        ({"marks": UNHEARD}, False),  # the alert was late before the step began
        ({"marks": UNHEARD, "objectives": {"rto_s": 1.0, "rpo_s": 1.0}}, False),  # and it was too late for the RTO
        ({"marks": ROLLED_BACK, "execution": FAILED_FIRST, "sabotage": "undo"}, False),  # another step failed before it
        ({"objectives": {"rto_s": 5.0, "rpo_s": 1.0}}, True),
        ({"marks": UNHEARD, "judged": LOST}, True),
        ({"written": (9, 0)}, True),
    ],
)
def test_a_sabotaged_step_is_noticed_by_what_failed_since_it_began_and_by_nothing_else(change, notices):
    """Whatever else was wrong, the drill fails, and says which of the two it was."""
    found = _judged(_facts(**{"sabotage": "start", **change}))
    assert found.word is Word.FAIL
    assert ("that was noticed" in found.sentence, "nobody noticed" in found.sentence) == (notices, not notices)


def test_a_sabotaged_step_is_named_though_another_one_failed():
    """The step that looks is not the one that was at fault."""
    marks = (*_without("served", "end"), Mark("gave_up", 40.0, {"step": "look", "why": "it failed at look"}))
    execution = _execution(_step("start"), _step("look", "fail"), failed_at="look")
    found = _judged(_facts((*marks, Mark("end", 41.0)), execution=execution, sabotage="start"))
    assert (found.word, found.step) == (Word.FAIL, "start")
    assert "step start was sabotaged, and that was noticed" in found.sentence


def test_a_sabotaged_step_that_was_not_reached_was_not_noticed():
    """The drill took another way, and proves nothing of that step."""
    execution = _execution(_step("start"), _step("restore", executed=False))
    found = _judged(_facts(execution=execution, sabotage="restore"))
    assert (found.word, found.step) == (Word.FAIL, "restore")
    assert "not reached" in found.sentence


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ((*RECOVERED[:4], Mark("interrupted", 13.0, {"signal": 2}), Mark("end", 13.0)), "aborted by signal 2"),
        (RECOVERED[:4], "the harness was killed after 12.0 s, in step start"),
    ],
)
def test_what_was_aborted_is_unknown_and_says_where(marks, says):
    """By a signal, or by a kill after which nothing more was written."""
    found = _judged(_facts(marks, reason="interrupted"))
    assert (found.word, says in found.sentence, found.step) == (Word.UNKNOWN, True, "start")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"marks": ROLLED_BACK[:-1], "execution": FAILED_FIRST}, "the runbook failed at start: x"),
        ({"marks": RECOVERED[:-1], "objectives": {"rto_s": 5.0, "rpo_s": 1.0}}, "RTO 6.0 s, objective 5 s"),
        ({"marks": ROLLED_BACK[:2], "execution": FAILED_FIRST}, "step start failed"),
    ],
)
@pytest.mark.parametrize("end", [(Mark("interrupted", 17.0, {"signal": 2}), Mark("end", 17.0)), ()])
def test_what_had_failed_before_it_was_aborted_is_a_fail(changed, says, end):
    """Ctrl-C takes nothing of it back; that it was aborted is told too."""
    found = _judged(_facts(**{**changed, "marks": (*changed["marks"], *end)}, judged=_writes(found=None)))
    assert (found.word, says in found.sentence, "then aborted" in found.sentence) == (Word.FAIL, True, True)


def test_a_drill_whose_first_backup_never_came_fails_and_nothing_was_destroyed():
    """What must be there before is not."""
    marks = (Mark("gave_up", 90.0, {"step": "before", "why": "no backup"}), Mark("end", 90.0))
    found = _judged(_facts(marks, execution=None, judged=None))
    assert (found.word, found.step, found.sentence) == (Word.FAIL, "before", "no backup")


def test_a_bad_baseline_is_unknown_and_nothing_was_destroyed():
    """Nothing can be learnt of a stack that was not well."""
    marks = (Mark("baseline_judged", 7.0, {"good": False, "sentence": "half failed"}), Mark("end", 7.0))
    found = _judged(_facts(marks, execution=None, judged=None, reason="baseline"))
    assert (found.word, "half failed" in found.sentence) == (Word.UNKNOWN, True)
