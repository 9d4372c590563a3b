"""Alerts over time: a lane an alert, when it was firing, and by when it had to."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from harness.analysis.alert_lanes import Lane
from harness.record import PlannedWindow
from harness.report.charts import look

LANE_IN, BAR, NAME_MAX = 0.3, 0.3, 32


def alerts(lanes: Sequence[Lane], windows: Sequence[PlannedWindow], end_s: float, title: str) -> Figure:
    """A bar from the notice that it fires to the one that it is resolved; a dashed line where it was due."""
    drawn, (axis,) = look.figure(1.25 + LANE_IN * max(2, len(lanes)), 1, (1,))
    look.over_time((axis,), windows, end_s)
    boxes, due = [], []
    for y, lane in enumerate(lanes):
        for one in lane.firings:
            until_s = end_s if one.resolved_s is None else one.resolved_s
            boxes.append([(one.fired_s, y - BAR), (until_s, y - BAR), (until_s, y + BAR), (one.fired_s, y + BAR)])
        due += [[(due_s, y - 0.46), (due_s, y + 0.46)] for due_s in lane.due_s]
        look.beside(axis, y, lane.in_words())
    axis.add_collection(PolyCollection(boxes, facecolors=look.FAIL, edgecolors=look.FAIL, linewidths=0.8, alpha=0.8))
    axis.add_collection(LineCollection(due, colors=look.INK, linewidths=1.4, linestyles=[(0, (3, 2))]))
    axis.set_yticks(range(len(lanes)), [look.short(lane.name, NAME_MAX) for lane in lanes])
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(max(2, len(lanes)) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    look.titled(drawn, title)
    return drawn
