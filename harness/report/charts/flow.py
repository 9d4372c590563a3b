"""The account of rows as a flow: from what a source offered to where each row came to, as wide as they are many."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from harness.analysis.amounts import percent
from harness.analysis.rows import RowFlow
from harness.report.charts import look

COLOURS = {
    "loaded": look.OK,
    "quarantined": look.SHADE,
    "rejected": look.GENERATOR,
    "deduplicated": look.P50,
    "lost": look.FAIL,
}
LEFT, RIGHT, POST = 0.12, 0.7, 0.018
GAP, LABEL_GAP, LEAST = 0.05, 0.07, 0.004
"""Between the ends, and between their names, by the height; the least that a flow is high, so that one row is seen."""


def flow(rows: RowFlow, title: str) -> Figure:
    """A band an end, with its name and its number at the right."""
    drawn, (axis,) = look.figure(2.9, 1, (1,))
    axis.axis("off")
    axis.set_xlim(0, 1)
    axis.set_yticks([])
    ends = rows.ends
    gaps = GAP * max(0, len(ends) - 1)
    whole = max(rows.offered, sum(ends.values()))
    scale = (1 - gaps) / whole
    left, right, label = gaps / 2, 0.0, -1.0
    for name, count in ends.items():
        high = max(LEAST, count * scale)
        _band(axis, (left, left + count * scale), (right, right + high), COLOURS[name])
        axis.add_patch(Rectangle((RIGHT, right), POST, high, facecolor=COLOURS[name], linewidth=0))
        label = max(label + LABEL_GAP, right + high / 2)
        text = f"{name} {count:,} ({percent(count, rows.offered)})"
        axis.text(RIGHT + POST + 0.012, label, text, va="center", color=COLOURS[name], fontsize=9)
        if name == "loaded" and rows.twice:
            label += LABEL_GAP
            axis.text(RIGHT + POST + 0.012, label, f"{rows.twice:,} of them twice", va="center", color=look.FAIL)
        left, right = left + count * scale, right + high + GAP
    axis.add_patch(Rectangle((LEFT - POST, gaps / 2), POST, rows.offered * scale, facecolor=look.INK, linewidth=0))
    axis.text(LEFT - POST - 0.012, 0.5, f"offered\n{rows.offered:,}", ha="right", va="center")
    axis.set_ylim(max(1.0, label + LABEL_GAP / 2), 0)
    look.titled(drawn, title)
    return drawn


def _band(axis: Axes, left: tuple[float, float], right: tuple[float, float], colour: str) -> None:
    half = (LEFT + RIGHT) / 2
    points = [
        *((LEFT, left[0]), (half, left[0]), (half, right[0]), (RIGHT, right[0])),
        *((RIGHT, right[1]), (half, right[1]), (half, left[1]), (LEFT, left[1])),
        (LEFT, left[0]),
    ]
    curve = [Path.CURVE4] * 3
    codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
    axis.add_patch(PathPatch(Path(points, codes), facecolor=colour, alpha=0.4, linewidth=0))
