"""A check of several points: each has a word of its own, and the first that is wrong speaks for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import one_of
from harness.record import History, PlannedWindow, Scalar, Verdict, Word

OPERATIONS_MIN = 5
"""No statement on fewer operations than this: retry loops are code and not chance, but one may be an accident."""
HOW_TO_TAP = "a tap records what crosses a link: give it one with `tap: http` in x-harness.links (docs/checks.md)"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that a check asks: its name, its word, a clause with its numbers, and the numbers."""

    name: str
    word: Word
    clause: str
    numbers: Mapping[str, Scalar] = field(default_factory=dict)


def verdict_of(check: str, points: Sequence[Point], passed: str, **asked: Scalar) -> Verdict:
    """False beats unknown beats true; of one word the first point speaks, and the others are named.

    `passed` is the sentence where every point holds. The evidence keeps the word and the clause of each, and what of
    the link the check was `asked` about.
    """
    evidence: dict[str, Scalar] = {name: value for name, value in asked.items() if value is not None}
    for point in points:
        evidence[point.name] = f"{point.word.value}: {point.clause}"
        evidence |= {f"{point.name}: {name}": value for name, value in point.numbers.items()}
    for word in (Word.FAIL, Word.UNKNOWN):
        speaking = [point for point in points if point.word is word]
        if speaking:
            others = [point.name for point in speaking[1:]]
            is_so = "wrong" if word is Word.FAIL else "not known"
            more = f" Also {is_so}: {', '.join(others)}." if others else ""
            return Verdict(check, word, f"{_sentence(speaking[0].clause)}{more}", evidence)
    return Verdict(check, Word.PASS if points else Word.UNKNOWN, _sentence(passed), evidence)


def why_not_seen(history: History, link: str) -> str | None:
    """Why nothing can be said of what crossed a link, in a clause with what to do; None where attempts were seen."""
    if history.links and link not in history.links:
        return one_of("link", link, history.links, where="this run")
    if history.attempts is None:
        return f"no link of this run had a tap, so no attempt on {link} was seen; {HOW_TO_TAP}"
    if not (history.attempts["link"] == link).any():
        return f"no attempt was seen on {link}: it has no tap, or nothing was sent over it; {HOW_TO_TAP}"
    return None


def struck(history: History, link: str) -> list[PlannedWindow]:
    """The windows that struck a link: on it, or on the service that it leads to."""
    service = history.links[link][1] if link in history.links else None
    return [one for one in history.windows if one.link == link or (service is not None and one.service == service)]


def counted(count: int, one: str, more: str = "") -> str:
    """`1 operation`, `7 operations`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}{'' if clause.endswith('?') else '.'}"
