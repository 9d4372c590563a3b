"""The page of a sweep, one HTML file without any other, and its summary in a comment's length."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.analysis.amounts import milliseconds, percent
from harness.report.markdown import one_line
from harness.report.page import environment
from harness.report.sweep_facts import facts_of
from harness.sweep.cells import Cell, Effect, Harm, Matrix
from harness.sweep.fact_words import line
from harness.sweep.record import LINK, SweepFolder
from harness.sweep.sentences import Group, Sentence
from harness.sweep.words import AT_ONCE_S, headline, in_numbers, seconds, word

KINDS = {
    Group.HARD: "fail",
    Group.WAITS: "fail",
    Group.NOT_BACK: "fail",
    Group.FEWER: "some",
    Group.BACK_LATE: "some",
    Group.SLOWER: "some",
    Group.GAVE_UP: "pass",
    Group.UNHARMED: "pass",
    Group.AS_MUST_BE: "none",
    Group.UNKNOWN: "unknown",
}
LISTED_MAX = 8
"""So many scenarios are named in the summary; a chat is no place for more."""
_MARKS = {"fail": "❌", "some": "🔸", "pass": "✅", "none": "▫️", "unknown": "❔"}


def page(matrix: Matrix, told: Sequence[Sentence], files: Mapping[str, str], picture: str, folder: SweepFolder) -> str:
    """The page's HTML. Everything that came from outside is escaped."""
    verdict, at_a_glance = _at_a_glance(matrix)
    return (
        environment()
        .get_template("sweep.html")
        .render(
            matrix=matrix,
            headline=headline(matrix),
            verdict=verdict,
            at_a_glance=at_a_glance,
            groups=[(group, KINDS[group], list(texts)) for group, texts in _by_group(told)],
            picture=picture,
            alt="; ".join(in_numbers(cell).rstrip(".") for cell in matrix.cells[:40]),
            facts=facts_of(matrix),
            rows=[_row(cell) for cell in matrix.cells],
            details=[_details(matrix, subject) for _, subject in matrix.rows],
            first=next(iter(files), ""),
            files=files,
            left_out=_left_out(matrix),
            runs=[name for name in matrix.sweep.runs if (folder.path / name / "manifest.json").is_file()],
            command=shlex.join(matrix.sweep.command),
        )
    )


def _at_a_glance(matrix: Matrix) -> tuple[str, str]:
    """A sweep has no verdict, but it has a word."""
    bad, unknown = sum(cell.bad for cell in matrix.cells), matrix.count(Harm.UNKNOWN)
    if bad:
        return "fail", f"{bad} of {len(matrix.cells)} bad"
    return ("unknown", f"{unknown} unknown") if unknown or not matrix.cells else ("pass", "none bad")


def summary(matrix: Matrix, told: Sequence[Sentence], files: Mapping[str, str]) -> str:
    """The headline, the sentences, the matrix as a table, the facts of links, the scenarios that were written."""
    lines = [f"## {one_line(matrix.sweep.name)}: {headline(matrix)}", ""]
    lines += [f"- ⚠️ {one_line(warning)}" for warning in matrix.warnings]
    for group, texts in _by_group(told):
        lines += [f"- {_MARKS[KINDS[group]]} {one_line(text)}" for text in texts]
    for kind in dict.fromkeys(kind for kind, _ in matrix.rows):
        subjects = [subject for of_kind, subject in matrix.rows if of_kind == kind]
        columns = [c for c in matrix.columns if any(matrix.cell(kind, subject, c) for subject in subjects)]
        if not columns:
            continue
        lines += ["", f"| {kind} | {' | '.join(one_line(one) for one in columns)} |", "|---" * (len(columns) + 1) + "|"]
        for subject in subjects:
            cells = [matrix.cell(kind, subject, column) for column in columns]
            words = [_bold(cell) if cell else "–" for cell in cells]
            lines.append(f"| {one_line(subject)} | {' | '.join(words)} |")
    if matrix.facts:
        lines += ["", "Retries and breakers, link by link:", ""]
        lines += [f"- {one_line(line(one, matrix.sweep.cells))}" for one in matrix.facts]
    if matrix.left_out:
        lines += ["", "Left out:", ""]
        lines += [f"- {one_line(f'{column}: {reason}')}" for column, reason in _left_out(matrix)]
    if files:
        names = ", ".join(f"`{name}`" for name in list(files)[:LISTED_MAX])
        more = f" and {len(files) - LISTED_MAX} more" if len(files) > LISTED_MAX else ""
        lines += ["", f"Scenarios that ask whether it is mended, in `scenarios/`: {names}{more}."]
    return "\n".join([*lines, ""])


def _bold(cell: Cell) -> str:
    return f"**{word(cell)}**" if cell.bad else word(cell)


def _by_group(told: Sequence[Sentence]) -> Iterable[tuple[Group, list[str]]]:
    for group in Group:
        texts = [one.text for one in told if one.group is group]
        if texts:
            yield group, texts


def _left_out(matrix: Matrix) -> list[tuple[str, str]]:
    """(what, why), the cells of one reason together."""
    reasons: dict[str, list[str]] = {}
    for one in matrix.left_out:
        reasons.setdefault(one.reason, []).append(f"{one.cell.column} of {one.cell.subject}")
    return [(", ".join(cells), reason) for reason, cells in reasons.items()]


def _row(cell: Cell) -> dict[str, Any]:
    """A line of the table of all cells."""
    worst, whole = cell.worst, cell.whole
    ends = f"{cell.planned.client} to {cell.planned.service}" if cell.planned.kind == LINK else "service"
    return {
        "cell": cell,
        "subject": cell.planned.subject,
        "ends": ends,
        "column": cell.planned.column,
        "word": word(cell),
        "bad": cell.bad,
        "whole": whole,
        "served": percent(whole.served, whole.requests) if whole and whole.requests else "",
        "before": percent(whole.served_before, whole.requests_before) if whole and whole.requests_before else "",
        "worst": _effect(worst) if worst and worst.requests else None,
        "longest": milliseconds(cell.longest_s * 1000) if cell.longest_s else "",
        "patience": _patience(cell),
        "back": _back(cell),
        "window": f"{cell.start_s:.1f}–{cell.end_s:.1f} s" if cell.start_s is not None and cell.end_s else "",
    }


def _effect(one: Effect) -> dict[str, Any]:
    """An endpoint's numbers, as they are shown."""
    shift = ""
    if one.slower_ms is not None:
        low, high = (_signed(value) for value in (one.slower_low_ms, one.slower_high_ms))
        shift = f"{_signed(one.slower_ms)} ({low} to {high})"
    return {
        "endpoint": one.endpoint,
        "harm": one.harm.value,
        "reason": one.reason,
        "requests": f"{one.requests:,}",
        "served": percent(one.served, one.requests) if one.requests else "",
        "before": percent(one.served_before, one.requests_before) if one.requests_before else "",
        "lost": f"{_points(one.lost_low)} to {_points(one.lost_high)}" if one.requests else "",
        "p50_before": milliseconds(one.p50_before_ms) if one.p50_before_ms is not None else "",
        "p50": milliseconds(one.p50_ms) if one.p50_ms is not None else "",
        "p95_before": milliseconds(one.p95_before_ms) if one.p95_before_ms is not None else "",
        "p95": milliseconds(one.p95_ms) if one.p95_ms is not None else "",
        "shift": shift,
        "noise": milliseconds(one.noise_ms) if one.noise_ms is not None else "",
        "late": percent(round(one.late * one.served), one.served) if one.served else "",
        "waiting": f"{one.waiting:,}" if one.waiting else "",
        "longest": milliseconds(one.longest_s * 1000) if one.longest_s else "",
        "gave_up": f"{one.gave_up_s:.1f} s" if one.gave_up_s is not None else "",
    }


def _details(matrix: Matrix, subject: str) -> dict[str, Any]:
    cells = [cell for cell in matrix.cells if cell.planned.subject == subject and cell.effects]
    lines = [(cell.planned.column, _effect(one)) for cell in cells for one in cell.effects]
    return {"subject": subject, "lines": lines}


def _patience(cell: Cell) -> str:
    if cell.waits_s is not None:
        return f"none in {cell.waits_s:.0f} s"
    return f"{cell.gave_up_s:.1f} s" if cell.gave_up_s is not None else ""


def _back(cell: Cell) -> str:
    if cell.watched_s is None:
        return ""
    if cell.back_s is None:  # not seen, unless it is known
        return f"not in {seconds(cell.watched_s)}" if cell.harm is Harm.NOT_BACK else ""
    return "at once" if cell.back_s < AT_ONCE_S else seconds(cell.back_s)


def _signed(value_ms: float | None) -> str:
    if value_ms is None:
        return "?"
    return f"{'+' if value_ms >= 0 else '−'}{milliseconds(abs(value_ms))}"


def _points(value: float) -> str:
    return f"{'−' if value < -0.0005 else ''}{abs(100 * value):.1f} %"
