"""The sections of proofs: what was judged, beside charts of what it was judged by, where there is something to show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from harness.analysis.alert_lanes import alert_lanes
from harness.analysis.alerts import firings
from harness.analysis.backoff import backoff, waits
from harness.analysis.breaker import State, calls_of, states
from harness.analysis.operations import Operation, operations, telling
from harness.analysis.rows import row_flow
from harness.checks.points import struck
from harness.record import History, Scalar, Verdict, Word
from harness.report import proof_titles as titles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Subject = tuple[str, str | None]
"""A link, and which of its calls; None is all."""
LANES_MAX, LINKS_MAX = 30, 4
"""So many operations a chart, so many links a section: those that tried most, where no check asked of one."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart to be saved: `alt` says what kind of picture it is, the title what it shows."""

    name: str
    title: str
    alt: str
    drawn: Figure


@dataclass(frozen=True, slots=True)
class Proof:
    """A section: the verdicts that belong to it, each with its points, and the charts."""

    name: str
    heading: str
    verdicts: tuple[Verdict, ...]
    pictures: tuple[Picture, ...]


SECTIONS = {
    "retries": ("What was tried again", ("Retries", "Amplification")),
    "breaker": ("When calls stopped", ("Breaker", "Fallback")),
    "rows": ("What became of the rows", ("Rows", "Whole batches", "Outbox", "AccountSays")),
    "alerts": ("What was told", ("Alert", "Alerts silent")),
}
"""Each section's heading, and the checks that it shows, by the first word of a verdict's `check`."""


def proofs(history: History, verdicts: Sequence[Verdict]) -> list[Proof]:
    """The sections of a run, in this order."""
    if not history.phases:
        return []
    found = []
    for (name, (heading, checks)), draw in zip(SECTIONS.items(), (_retries, _breaker, _rows, _alerts), strict=True):
        mine = tuple(one for one in verdicts if one.check.partition(":")[0] in checks)
        pictures = _named(draw(history, mine))
        if pictures:
            found.append(Proof(name, heading, mine, pictures))
    return found


def points(verdict: Verdict) -> list[tuple[Word, str]]:
    """What each of a check's points says; empty where it has one only, which is the verdict itself."""
    found = []
    for value in verdict.evidence.values():
        word, colon, clause = str(value).partition(": ")
        if colon and word in list(Word):
            found.append((Word(word), f"{clause[:1].upper()}{clause[1:]}."))
    return found if len(found) > 1 else []


def _named(pictures: Iterable[Picture]) -> tuple[Picture, ...]:
    """Names that are file names, each once: links and calls may hold anything."""
    found: dict[str, Picture] = {}
    for one in pictures:
        plain = re.sub(r"[^a-z0-9]+", "-", one.name.lower()).strip("-")[:60]
        name = next(name for number in count(1) if (name := f"{plain}-{number}" if number > 1 else plain) not in found)
        found[name] = replace(one, name=name)
    return tuple(found.values())


def _retries(history: History, verdicts: Sequence[Verdict]) -> Iterator[Picture]:
    from harness.report.charts import attempts
    from harness.report.charts import backoff as gaps

    judged = [one for one in verdicts if one.check.startswith("Retries: ")]
    wanted = {_subject(one): one.evidence.get("backoff: factor_min") for one in judged}
    for subject, found in _tried_again(history, judged):
        link = _named_of(subject)
        title = titles.attempts_title(found, link)
        drawn = attempts.attempts(telling(_shown(found), LANES_MAX), history.windows, _end_s(history), title)
        alt = f"Attempts on {link} over time, a lane an operation, those with most attempts"
        yield Picture(f"attempts-{link}", title, alt, drawn)
        gaps_s = waits(_shown(found))
        law = backoff(gaps_s)
        if law is not None:
            title = titles.backoff_title(law, link)
            alt = f"Gaps between tries on {link} by their number, against the law that fits them"
            drawn = gaps.gaps(gaps_s, law, title, _number(wanted.get(subject)))
            yield Picture(f"backoff-{link}", title, alt, drawn)


def _shown(found: Sequence[Operation]) -> list[Operation]:
    """What is surely an operation; all, where nothing is that was tried again."""
    sure = [one for one in found if one.sure]
    return sure if any(len(one.attempts) > 1 for one in sure) else list(found)


def _tried_again(history: History, judged: Sequence[Verdict]) -> Iterator[tuple[Subject, list[Operation]]]:
    """Of what was judged the operations, as they were judged; then those of other links, where they are sure."""
    if history.attempts is None:
        return
    asked = {_subject(one): one.evidence.get("gap_max_s") for one in judged}
    ranked: list[tuple[bool, int, Subject, list[Operation]]] = []
    for subject in _subjects(history, list(asked)):
        link, calls = subject
        found = operations(history.attempts, link, gap_max_s=_number(asked.get(subject)))
        found = [one for one in found if calls in (None, one.name, one.name.partition(" ")[2])]
        tries = sum(len(one.attempts) - 1 for one in found if one.sure or subject in asked)
        if tries:
            ranked.append((subject not in asked, -tries, subject, found))
    for _, _, subject, found in sorted(ranked, key=lambda one: one[:2])[:LINKS_MAX]:
        yield subject, found


def _breaker(history: History, verdicts: Sequence[Verdict]) -> Iterator[Picture]:
    from harness.report.charts import breaker

    asked = [_subject(one) for one in verdicts if one.check.startswith("Breaker: ")]
    shown = 0
    for subject in sorted(_subjects(history, asked), key=lambda one: one not in asked):
        seen = calls_of(history, *subject)
        found = states(history, seen)
        opened = any(one.state is State.OPEN for one in found)
        if shown < LINKS_MAX and found and (opened or subject in asked):
            of = _named_of(subject)
            title = titles.breaker_title(found, struck(history, subject[0]), of, judged=subject in asked)
            drawn = breaker.breaker(seen, found, history.windows, _end_s(history), title)
            yield Picture(f"breaker-{of}", title, f"Calls on {of} over time, and the states of the breaker", drawn)
            shown += 1


def _rows(history: History, verdicts: Sequence[Verdict]) -> Iterator[Picture]:
    from harness.report.charts import flow

    for one in verdicts:
        rows = row_flow(one.evidence)
        if rows is not None:
            title = titles.rows_title(rows)
            alt = "Rows from what the source offered to where each came to"
            yield Picture(f"rows-{one.check.partition(': ')[2]}", title, alt, flow.flow(rows, title))


def _alerts(history: History, verdicts: Sequence[Verdict]) -> Iterator[Picture]:
    from harness.report.charts import alerts

    found = firings(history.notices or ())
    lanes = alert_lanes(found, verdicts)
    if lanes:
        title = titles.alerts_title(found, history.windows)
        drawn = alerts.alerts(lanes, history.windows, _end_s(history), title)
        yield Picture("alerts", title, "When each alert was firing, and by when it was due", drawn)


def _subject(verdict: Verdict) -> Subject:
    """The link that a check was asked of, and which calls of it."""
    calls = verdict.evidence.get("calls")
    return verdict.check.partition(": ")[2], str(calls) if calls else None


def _subjects(history: History, asked: Sequence[Subject]) -> list[Subject]:
    """What was asked of the links with a tap; of a link that no check asked of, all calls."""
    if history.attempts is None:
        return []
    links = sorted(history.attempts["link"].astype(str).unique())
    return [one for link in links for one in dict.fromkeys([s for s in asked if s[0] == link] or [(link, None)])]


def _named_of(subject: Subject) -> str:
    link, calls = subject
    return f"{link} ({calls})" if calls else link


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _end_s(history: History) -> float:
    return max(phase.end_s for phase in history.phases)
