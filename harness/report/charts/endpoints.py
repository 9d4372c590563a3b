"""Endpoints by phase: how each was before, in each window, and after."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from harness.analysis.figures import Figures, Row
from harness.report.charts import look
from harness.report.titles import change_in_words

COLOURS = {"baseline": look.GENERATOR, "recovery": look.P95}


def by_phase(figures: Figures, phases: Sequence[str], endpoints: Sequence[str], title: str) -> Figure:
    """A line from p50 to p99 with a dot at p95 for each phase of each endpoint, and the change in words beside it."""
    rows: list[tuple[str, str, Row | None, Row | None]] = []
    for endpoint in endpoints:
        before = figures.row(phases[0], endpoint)
        rows += [(endpoint, phase, figures.row(phase, endpoint), before) for phase in phases]
    gap = 1.3
    height = len(rows) + gap * len(endpoints)
    drawn, (axis,) = look.figure(1.0 + 0.21 * height, 1, (1,))
    everything = [
        value
        for _, _, row, _ in rows
        if row
        for value in (row.response.p50_ms, row.response.p99_ms)
        if value is not None
    ]
    low, high = look.bounds_ms(everything)
    look.in_milliseconds(axis.xaxis, low, high)
    y, ticks, names = 0.0, [], []
    for index, (endpoint, phase, row, before) in enumerate(rows):
        if index % len(phases) == 0:
            y += gap
            axis.annotate(
                endpoint,
                (0.0, y - 0.95),
                xycoords=("axes fraction", "data"),
                fontsize=9,
                fontweight="bold",
                va="center",
            )
        ticks.append(y)
        names.append(phase)
        if row is not None and row.count:
            p50, p95, p99 = (value or low for value in (row.response.p50_ms, row.response.p95_ms, row.response.p99_ms))
            colour = COLOURS.get(phase, look.FAIL if (row.ok_ratio or 0) < 0.99 else look.OK)
            axis.plot([p50, p99], [y, y], color=colour, linewidth=2.4, alpha=0.7)
            axis.plot([p95], [y], marker="o", markersize=5, color=colour)
            axis.annotate(
                change_in_words(row, before),
                (1.0, y),
                xytext=(6, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=look.FAINT,
                annotation_clip=False,
            )
        y += 1
    axis.set_yticks(ticks, names)
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(y - 0.3, -0.2)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("response time: p50 to p99, dot at p95")
    look.titled(drawn, title)
    return drawn
