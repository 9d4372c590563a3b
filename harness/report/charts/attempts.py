"""Attempts over time: a lane an operation, on the run's clock and, beside it, from its own first attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from harness.analysis.operations import Attempt, Operation
from harness.record import Outcome, PlannedWindow
from harness.report.charts import look

COLOURS = {Outcome.OK.value: look.OK, Outcome.FAIL.value: look.FAIL, Outcome.UNKNOWN.value: look.UNKNOWN}
LANE_IN, BAR = 0.155, 0.34
"""How high a lane is, and half of the bar in it, by the lane."""
TOUCH_SHARE = 0.006
"""Of the picture's length: attempts that are less apart touch."""
RUN_SHARE, NAME_MAX = 0.42, 30


def attempts(lanes: Sequence[Operation], windows: Sequence[PlannedWindow], end_s: float, title: str) -> Figure:
    """Each attempt a bar from start to end by its outcome; at the right, how the operation ended."""
    lanes = sorted(lanes, key=lambda one: (one.name, one.start_s, one.end_s))
    drawn = Figure(figsize=(look.WIDTH_IN, 1.25 + LANE_IN * max(4, len(lanes))), layout="constrained")
    axes: Any = drawn.subplots(1, 2, sharey=True, width_ratios=(1, 1))
    when, how = axes
    look.over_time((when,), windows, end_s, share=RUN_SHARE)
    _bars(when, lanes, lambda _: 0.0, 0.8)
    longest_s = max(one.end_s - one.start_s for one in lanes)
    how.set_xlim(-0.01 * longest_s, longest_s * 1.02)
    how.set_xlabel("seconds from the operation's first attempt")
    _bars(how, lanes, lambda one: one.start_s, 1.6)
    how.add_collection(LineCollection(_seams(lanes, TOUCH_SHARE * longest_s), colors=look.INK, linewidths=0.9))
    for y, one in enumerate(lanes):
        look.beside(how, y, _ending(one), 7)
    _outcomes(how, {attempt.outcome for one in lanes for attempt in one.attempts})
    firsts = [0, *(y for y, (one, after) in enumerate(pairwise(lanes), 1) if one.name != after.name)]
    when.set_yticks(firsts, [look.short(lanes[y].name, NAME_MAX) for y in firsts])
    when.set_ylim(max(4, len(lanes)) - 0.4, -0.6)
    for axis in axes:
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="y", visible=False)
        for y in firsts[1:]:
            axis.axhline(y - 0.5, color=look.GRID, linewidth=0.8)
    look.titled(drawn, title)
    return drawn


def _seams(lanes: Sequence[Operation], touch_s: float) -> list[list[tuple[float, float]]]:
    """Where one attempt begins as the one before ends: else two bars look like one."""
    return [
        [(after.started_s - lane.start_s, y - BAR), (after.started_s - lane.start_s, y + BAR)]
        for y, lane in enumerate(lanes)
        for one, after in pairwise(lane.attempts)
        if after.started_s - one.ended_s < touch_s
    ]


def _bars(axis: Axes, lanes: Sequence[Operation], zero_s: Callable[[Operation], float], edge: float) -> None:
    """One collection an outcome. The edge lets what took no time be seen."""
    boxes: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in COLOURS}
    for y, one in enumerate(lanes):
        for attempt in one.attempts:
            boxes[attempt.outcome].append(_box(attempt, zero_s(one), y))
    for name, colour in COLOURS.items():
        if boxes[name]:
            axis.add_collection(PolyCollection(boxes[name], facecolors=colour, edgecolors=colour, linewidths=edge))


def _box(attempt: Attempt, zero_s: float, y: int) -> list[tuple[float, float]]:
    start_s, end_s = attempt.started_s - zero_s, attempt.ended_s - zero_s
    return [(start_s, y - BAR), (end_s, y - BAR), (end_s, y + BAR), (start_s, y + BAR)]


def _ending(one: Operation) -> str:
    """`3, gave up`: the number of attempts, and what is to be said of the last."""
    if one.tries_after_success:
        ended = f"{one.tries_after_success} after a success"
    elif not one.same_key:
        ended = "key changed"
    else:
        ended = "ok" if one.succeeded else "gave up" if one.gave_up else "refused"
    return f"{len(one.attempts)}, {ended}"


def _outcomes(axis: Axes, seen: Iterable[str]) -> None:
    """The words for the colours, over the bars."""
    at = 0.0
    for name in (name for name in COLOURS if name in seen):
        for text, colour, points in (("■", COLOURS[name], 0), (name, look.FAINT, 10)):
            over: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}
            axis.annotate(text, (at, 1.0), xytext=(points, 3), fontsize=8, color=colour, **over)
        at += 0.07 + 0.022 * len(name)
