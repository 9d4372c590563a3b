"""The run in a comment's length, for a pull request or a chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.analysis.amounts import milliseconds, percent
from harness.analysis.figures import Figures
from harness.record import History, Word
from harness.report.page import Section
from harness.report.titles import phases_in_words

MARKS = {Word.PASS: "✅", Word.FAIL: "❌", Word.UNKNOWN: "❔"}


def summary(manifest: dict[str, Any], history: History, figures: Figures, sections: Sequence[Section] = ()) -> str:
    """Verdicts, the phases in a table, what the proofs show, the first findings."""
    lines = [f"## {figures.scenario}: {figures.headline}", "", f"> {one_line(str(manifest['hypothesis']))}", ""]
    if figures.nothing_injected:
        lines += ["The baseline was already bad, so nothing was injected; the verdicts are of the baseline alone.", ""]
    lines += [f"- ⚠️ {one_line(warning)}" for warning in figures.warnings]
    lines += [f"- {MARKS[one.word]} {one_line(one.sentence)}" for one in figures.verdicts]
    names = ["run"] if len(history.phases) < 2 else list(dict.fromkeys(phase.name for phase in history.phases))
    lines += ["", "| phase | requests | ok | p50 | p95 | p99 |", "|---|---:|---:|---:|---:|---:|"]
    for name in names:
        row = figures.row(name)
        if row is not None:
            times = (milliseconds(value) for value in (row.response.p50_ms, row.response.p95_ms, row.response.p99_ms))
            lines.append(f"| {one_line(name)} | {row.count:,} | {percent(row.ok, row.count)} | {' | '.join(times)} |")
    if figures.load_error:
        lines += ["", f"The load made no request; its log ends with: {one_line(figures.load_error)}"]
    if figures.troubles:
        lines += ["", "What was not ok, the most frequent first:", ""]
        lines += [f"- {one_line(f'{one.in_words()}: {phases_in_words(one)}')}" for one in figures.troubles]
    for section in sections:
        lines += ["", f"{section.proof.heading}:", ""]
        lines += [f"- {one_line(chart.title)}" for chart in section.charts]
    if figures.findings:
        lines += ["", "Bottlenecks:", ""]
        lines += [f"{number}. {one_line(one.sentence)}" for number, one in enumerate(figures.findings, 1)]
    return "\n".join([*lines, ""])


def one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
