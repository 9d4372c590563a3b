"""What the checks share: the parts of a history that one is asked of, and how the words of parts become one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.record import Scalar, Verdict, Word

SAMPLES_MIN = 20
"""No statement on fewer requests than this, whatever the bound."""

FAULTS = "faults"
"""Each fault window in turn; the whole run where there is none. What a check is asked of unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Part:
    """A check's word on one phase: a clause ("97.2 % of 412 requests in latency api-payments"), and its numbers."""

    phase: str
    word: Word
    clause: str
    numbers: Mapping[str, Scalar]
    margin: float = 0.0


def samples_needed(share: float) -> int:
    """How many requests a statement on this share of them needs: one bad one must not decide it alone."""
    return SAMPLES_MIN if share >= 1 else max(SAMPLES_MIN, math.ceil(1 / (1 - share)))


def too_few(phase: str, count: int, needed: int) -> Part:
    clause = f"only {count} requests were seen in {phase}, and {needed} are needed to judge it"
    return Part(phase, Word.UNKNOWN, clause, {"count": count, "needed": needed})


def verdict(check: str, parts: Sequence[Part], wanted: str) -> Verdict:
    """One verdict of the parts: a failing one speaks for all, else an unknown one, else the tightest.

    `wanted` ends the sentence ("at least 99 % wanted"). A part's `margin` says how far it is from its bound.
    """
    if not parts:
        return Verdict(check, Word.UNKNOWN, f"There was no phase to judge; {wanted}.", {})
    for word in (Word.FAIL, Word.UNKNOWN, Word.PASS):
        of_word = [part for part in parts if part.word is word]
        if of_word:
            speaking = min(of_word, key=lambda part: part.margin)
            break
    evidence: dict[str, Scalar] = {"phase": speaking.phase, **speaking.numbers}
    for part in parts:
        for name, value in part.numbers.items():
            evidence[f"{part.phase}: {name}"] = value
    others = len(of_word) - 1
    more = f", and {others} more phase{'s' * (others > 1)} alike" if others and speaking.word is not Word.PASS else ""
    sentence = f"{speaking.clause[0].upper()}{speaking.clause[1:]}{more}; {wanted}."
    return Verdict(check, speaking.word, sentence, evidence)


def where(endpoint: str | None) -> str:
    """The endpoint in a check's sentence."""
    return f" of {endpoint}" if endpoint else ""


def percent(value: float) -> str:
    """A ratio as a percentage, with as many digits as it needs to be told from 100 %."""
    text = f"{value * 100:.2f}".rstrip("0").rstrip(".")
    return f"{'99.99' if text == '100' and value < 1 else text} %"
