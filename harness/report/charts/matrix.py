"""The matrix of a sweep as a picture: a row a link or service, a column a fault, every cell coloured and worded.

The tints are strong enough to be told apart by anyone and faint enough for the page's ink on them, light or dark; the
word says it again, so that nothing hangs on a colour.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from harness.report.charts import look
from harness.sweep.cells import Cell, Harm, Matrix
from harness.sweep.words import word

TINTS = {
    Harm.UNHARMED: (look.OK, 0.16),
    Harm.SLOWER: (look.SHADE, 0.22),
    Harm.DEGRADED: (look.SHADE, 0.52),
    Harm.DOWN: (look.FAIL, 0.56),
    Harm.NOT_BACK: (look.P99, 0.5),
}
NO_TINT = (look.GRID, 0.0)
ROW_IN, COLUMNS_MIN, GAP = 0.3, 5, 0.06
LEFT_OUT = "–"


def matrix(shown: Matrix, title: str) -> Figure:
    """Links with the faults on links above, services with theirs below."""
    blocks = []
    for kind in dict.fromkeys(kind for kind, _ in shown.rows):
        subjects = [subject for of_kind, subject in shown.rows if of_kind == kind]
        columns = [
            column for column in shown.columns if any(_has(shown, kind, subject, column) for subject in subjects)
        ]
        blocks.append((kind, subjects, columns))
    rows = sum(len(subjects) + 1.2 for _, subjects, _ in blocks)
    drawn, (axis,) = look.figure(0.55 + ROW_IN * max(2.0, rows), 1, (1,))
    axis.set_xlim(0, max([COLUMNS_MIN, *(len(columns) for _, _, columns in blocks)]))
    axis.set_ylim(max(2.0, rows), 0)
    ticks: list[float] = []
    labels: list[str] = []
    y = 0.0
    for kind, subjects, columns in blocks:
        ticks.append(y + 0.72)
        labels.append(f"{kind}s")
        for x, column in enumerate(columns):
            axis.text(x + 0.5, y + 0.72, column, ha="center", va="center", fontsize=8.5, color=look.FAINT)
        y += 1.2
        for subject in subjects:
            ticks.append(y + 0.5)
            labels.append(subject)
            for x, column in enumerate(columns):
                _one(axis, x, y, shown.cell(kind, subject, column), _has(shown, kind, subject, column))
            y += 1
    finish(axis, ticks, labels, {f"{kind}s" for kind, _, _ in blocks})
    look.titled(drawn, title)
    return drawn


def _has(shown: Matrix, kind: str, subject: str, column: str) -> bool:
    """Whether there is such a cell, or would have been."""
    return shown.cell(kind, subject, column) is not None or any(
        (one.cell.kind, one.cell.subject, one.cell.column) == (kind, subject, column) for one in shown.left_out
    )


def _one(axis: Axes, x: float, y: float, cell: Cell | None, there: bool) -> None:
    """A cell: tinted where something is known, dashed where not, a dash where it was left out."""
    if not there:
        return
    if cell is None:
        tile(axis, x, y, LEFT_OUT, ink=look.FAINT)
        return
    fill, alpha = TINTS.get(cell.harm, NO_TINT)
    edge = look.GENERATOR if cell.harm is Harm.UNKNOWN else look.INK if cell.harm is Harm.NOT_BACK else ""
    tile(axis, x, y, word(cell), tint=(fill, 0.14 if cell.as_must_be else alpha), edge=edge, bold=cell.bad)


# ------------------------------------------------------------------------------------- shared with the other matrix


def tile(
    axis: Axes,
    x: float,
    y: float,
    said: str,
    *,
    tint: tuple[str, float] | None = None,
    edge: str = "",
    bold: bool = False,
    ink: str = look.INK,
) -> None:
    """A word on its tint, at the column x and the row y; the grey edge of what is unknown is dashed."""
    place = (x + GAP / 2, y + GAP), 1 - GAP, 1 - 2 * GAP
    if tint is not None:
        axis.add_patch(Rectangle(*place, facecolor=tint[0], alpha=tint[1], linewidth=0))
    if edge:
        unsure = edge == look.GENERATOR
        line: dict[str, Any] = {"linewidth": 0.8 if unsure else 1.4, "linestyle": (0, (3, 2)) if unsure else "-"}
        axis.add_patch(Rectangle(*place, fill=False, edgecolor=edge, **line))
    weight = "bold" if bold else "normal"
    axis.text(x + 0.5, y + 0.52, said, ha="center", va="center", fontsize=8.5, color=ink, fontweight=weight)


def finish(axis: Axes, ticks: Sequence[float], labels: Sequence[str], heads: Collection[str]) -> None:
    """Names on the left, those of blocks faint; no frame, no grid."""
    axis.set_yticks(ticks, labels)
    axis.set_xticks([])
    axis.tick_params(axis="y", length=0, labelsize=9)
    for label in axis.get_yticklabels():
        label.set_color(look.FAINT if label.get_text() in heads else look.INK)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
