"""The matrix of a target's weaknesses as a picture: a block a scenario, a row a weakness, a column a kind of check.

The row of the calm runs is the last of each block. What is caught is blue, as all that is well.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from harness.report.charts import look
from harness.report.charts.matrix import ROW_IN, finish, tile
from harness.weaknesses.table import Seen, Table

TINTS = {
    Seen.CAUGHT: (look.OK, 0.34),
    Seen.MISSED: (look.FAIL, 0.56),
    Seen.FALSE_ALARM: (look.FAIL, 0.56),
    Seen.FAILS_TOO: (look.SHADE, 0.22),
    Seen.QUIET: (look.OK, 0.16),
}
PASSES = "–"
HEAD_ROWS = 1.3
COLUMNS_MIN = 4


def weaknesses(shown: Table, title: str) -> Figure:
    """The whole of it."""
    rows = sum(HEAD_ROWS + len(block.rows) + bool(block.calm) for block in shown.blocks)
    drawn, (axis,) = look.figure(0.55 + ROW_IN * max(2.0, rows), 1, (1,))
    axis.set_xlim(0, max([COLUMNS_MIN, *(len(block.kinds) for block in shown.blocks)]))
    axis.set_ylim(max(2.0, rows), 0)
    ticks: list[float] = []
    labels: list[str] = []
    y = 0.0
    for block in shown.blocks:
        ticks.append(y + 0.8)
        labels.append(block.scenario)
        for x, kind in enumerate(block.kinds):
            axis.text(x + 0.5, y + 0.8, kind, ha="center", va="center", fontsize=8.5, color=look.FAINT)
        y += HEAD_ROWS
        for row in block.rows:
            ticks.append(y + 0.5)
            labels.append(row.trial.weakness)
            for x, kind in enumerate(block.kinds):
                seen = row.cells.get(kind, Seen.UNKNOWN)
                strong = seen in (Seen.CAUGHT, Seen.MISSED)
                if seen is Seen.PASSES:
                    tile(axis, x, y, PASSES, ink=look.FAINT)
                elif seen is Seen.UNKNOWN:
                    tile(axis, x, y, "?", edge=look.GENERATOR)
                else:
                    tile(axis, x, y, seen, tint=TINTS[seen], bold=strong)
            y += 1
        if block.calm:
            ticks.append(y + 0.5)
            labels.append(f"calm, {len(block.calm)} run{'' if len(block.calm) == 1 else 's'}")
            for x, kind in enumerate(block.kinds):
                alarms, known = block.alarms(kind)
                tint = TINTS[Seen.FALSE_ALARM if alarms else Seen.QUIET] if known else None
                edge = look.GENERATOR if known < len(block.calm) else ""
                tile(axis, x, y, block.alarms_in_words(kind), tint=tint, edge=edge, bold=bool(alarms))
            y += 1
    finish(axis, ticks, labels, {block.scenario for block in shown.blocks})
    look.titled(drawn, title)
    return drawn
