"""Asks every check of a history, with those that are always on, and lets none be believed beyond its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.checks.trust import BYPASSED, FAULTS_ON_TIME, GENERATOR_HONEST, RUN_COMPLETE, run_complete, trust
from harness.model import BaselineCheck, Check
from harness.record import History, Verdict, Word

DOUBTS = {RUN_COMPLETE: "Run cut short", GENERATOR_HONEST: "Generator-limited", FAULTS_ON_TIME: "Faults late"}
"""Where one of these is not sure, no check's word stands."""


def judge(history: History, checks: Sequence[Check]) -> tuple[Verdict, ...]:
    """The verdicts of the checks, then those on trust.

    Where the generator was limited, a fault was late, connections went past one or the run was cut short, no check's
    word stands.
    """
    verdicts = [_ask(check, history) for check in checks]
    trusted = list(trust(history))
    unsure = [one for one in trusted if one.word is not Word.PASS]
    doubts = [prefix for doubt, prefix in DOUBTS.items() if any(one.check == doubt for one in unsure)]
    doubts += [f"{one.evidence['where']} bypassed" for one in unsure if BYPASSED in one.evidence]
    if doubts:
        verdicts = [
            replace(one, word=Word.UNKNOWN, sentence=f"{doubts[0]}, so this does not count: {one.sentence}")
            if one.word is not Word.UNKNOWN
            else one
            for one in verdicts
        ]
    return (*verdicts, *trusted)


def judge_baseline(history: History, checks: Sequence[Check]) -> tuple[Verdict, ...]:
    """What those checks say that also make sense before anything is broken, and how the run ended if it has."""
    asked = [check.at_baseline() for check in checks if isinstance(check, BaselineCheck)]
    ended = (run_complete(history),) if history.marks_of("end") else ()
    return (*(_ask(check, history) for check in asked), *ended)


def _ask(check: Check, history: History) -> Verdict:
    try:
        return check.check(history)
    except Exception as error:  # a check may be a user's own, and one that crashes knows nothing
        name = type(check).__name__
        return Verdict(name, Word.UNKNOWN, f"{name} crashed: {type(error).__name__}: {error}", {})
