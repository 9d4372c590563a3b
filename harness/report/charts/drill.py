"""A drill on one time axis: the load, the disaster, what the recovery was about, the writes that were lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.analysis.objectives import Part, Timed
from harness.analysis.series import Series
from harness.report.charts import look
from harness.report.charts.over_time import OUTCOMES
from harness.report.drill_titles import seconds

COLOURS = {
    "detect": look.SHADE,
    "decide": look.P99,
    "fetch": look.P50,
    "restore": look.OK,
    "verify": look.P95,
    "serve": look.GENERATOR,
}
NARROWEST = 0.003
"""The narrowest that a stretch of time is drawn, by the width of the chart, so that a loss of a moment is seen."""
BAR = (0.24, 0.76)
"""Where the band lies, by the height of its panel; the names of phases are above and below it."""
CHARACTER = 0.0105
LANE_POINTS = 11


@dataclass(frozen=True, slots=True)
class Lost:
    """The window of lost writes: when the first and the last of them were acknowledged, and its name."""

    first_s: float
    last_s: float
    name: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A moment with its name, from top to bottom."""

    at_s: float
    name: str
    colour: str
    dashed: bool = False


def timeline(
    series: Series, recovery: Timed | None, lost: Lost | None, rto_s: float, end_s: float, title: str
) -> Figure:
    """Requests a second by outcome with the lost window shaded, and under them the phases of recovery as a band.

    `rto_s` is the objective, counted from the disaster. Seconds on the run's clock, to `end_s`.
    """
    drawn, (load, band) = look.figure(4.0, 2, (2.1, 1))
    look.over_time((load, band), (), end_s)
    _load(load, series, end_s)
    lines = list(_moments(recovery, rto_s, end_s))
    for line in lines:
        style: Any = (0, (4, 3)) if line.dashed else "-"
        for axis, low, high in ((load, 0.0, 1.0), (band, *BAR)):
            axis.axvline(line.at_s, low, high, color=line.colour, linewidth=1.3, linestyle=style, zorder=3)
    if lost is not None:
        first_s, last_s = _widened(lost.first_s, lost.last_s, end_s)
        for axis, low, high in ((load, 0.0, 1.0), (band, *BAR)):
            axis.axvspan(first_s, last_s, low, high, color=look.FAIL, alpha=0.45, linewidth=0, zorder=2.5)
        lines.append(_Line((first_s + last_s) / 2, lost.name, look.FAIL))
    lanes = _names(load, lines, end_s)
    _band(band, recovery, end_s)
    drawn.set_figheight(drawn.get_figheight() + lanes * LANE_POINTS / 72)
    look.titled(drawn, title)
    return drawn


def _load(axis: Axes, series: Series, end_s: float) -> None:
    x = np.append(series.start_s, end_s)
    floor = np.zeros(len(series.start_s))
    names = []
    for name, colour in OUTCOMES:
        rate = series.rates[name]
        if rate.any():
            low, high = (np.append(one, one[-1]) for one in (floor, floor + rate))
            axis.fill_between(x, low, high, step="post", color=colour, linewidth=0)
            names.append((name, colour))
        floor = floor + rate
    axis.set_ylim(0, max(1.0, float(floor.max()) * 1.12))
    axis.set_ylabel("requests/s")
    for row, (name, colour) in enumerate(names):
        look.beside(axis, axis.get_ylim()[1] * (0.16 + 0.2 * row), name, colour=colour)


def _moments(recovery: Timed | None, rto_s: float, end_s: float) -> Iterator[_Line]:
    if recovery is None:
        return
    yield _Line(recovery.disaster_s, "disaster", look.INK)
    if recovery.served_s is not None:
        yield _Line(recovery.served_s, "served again", look.P95)
    if recovery.gave_up_s is not None:
        yield _Line(recovery.gave_up_s, "gave up", look.INK)
    due_s = recovery.disaster_s + rto_s
    if due_s <= end_s:
        yield _Line(due_s, f"RTO objective {rto_s:g} s", look.INK, dashed=True)


def _names(axis: Axes, lines: Sequence[_Line], end_s: float) -> int:
    """Names over the chart, one above another where they would meet. Gives how many lanes that takes."""
    lanes: list[float] = []
    for line in sorted(lines, key=lambda one: one.at_s):
        half_s = end_s * CHARACTER * len(line.name) / 2
        at_s = min(max(line.at_s, half_s), max(half_s, end_s - half_s))
        lane = _lane(lanes, at_s - half_s, at_s + half_s)
        axis.annotate(
            line.name,
            (at_s, 1.0),
            xytext=(0, 3 + LANE_POINTS * lane),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
            color=line.colour,
        )
    return len(lanes)


def _band(axis: Axes, recovery: Timed | None, end_s: float) -> None:
    """The phases, each with its name and what it took; paler what went on when the load was served again."""
    axis.set_yticks([0.5], ["recovery"])
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    axis.set_ylim(0, 1)
    lanes: list[float] = []
    if recovery is None:
        return
    ended_s = recovery.served_s or recovery.gave_up_s or end_s
    joined = _joined(recovery.parts)
    for part in joined:
        for start_s, until_s, alpha in (
            (part.start_s, min(part.end_s, ended_s), 1.0),
            (max(ended_s, part.start_s), part.end_s, 0.4),
        ):
            if until_s > start_s:
                axis.axvspan(start_s, until_s, *BAR, color=COLOURS[part.phase], alpha=alpha, linewidth=0, zorder=2)
    for phase, spent_s in recovery.phases_s.items():
        longest = max((one for one in joined if one.phase == phase), key=lambda one: one.length_s, default=None)
        if longest is not None and spent_s > NARROWEST * end_s:
            _beside(axis, longest, f"{phase} {seconds(spent_s)}", lanes, end_s)


def _joined(parts: Sequence[Part]) -> list[Part]:
    """Parts of one phase that follow one another are one."""
    out: list[Part] = []
    for part in parts:
        if out and out[-1].phase == part.phase:
            out[-1] = replace(out[-1], end_s=part.end_s)
        else:
            out.append(part)
    return out


def _beside(axis: Axes, part: Part, text: str, lanes: list[float], end_s: float) -> None:
    """The name of a phase above its part of the band or below it, where there is room."""
    half_s = end_s * CHARACTER * len(text) / 2
    at_s = min(max((part.start_s + part.end_s) / 2, half_s), max(half_s, end_s - half_s))
    lane = _lane(lanes, at_s - half_s, at_s + half_s)
    above = lane != 1  # below there is room for one
    axis.annotate(
        text,
        (at_s, BAR[1] if above else BAR[0]),
        xytext=(0, (2 + LANE_POINTS * max(0, lane - 1)) * (1 if above else -1)),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "top",
        fontsize=8,
        color=COLOURS[part.phase],
    )


def _lane(lanes: list[float], from_s: float, until_s: float) -> int:
    """The first lane that is free from there on; it is taken until `until_s`."""
    lane = next((i for i, taken_s in enumerate(lanes) if taken_s <= from_s), len(lanes))
    lanes[lane : lane + 1] = [until_s]
    return lane


def _widened(first_s: float, last_s: float, end_s: float) -> tuple[float, float]:
    """A stretch that is wide enough to be seen."""
    lacking_s = end_s * NARROWEST - (last_s - first_s)
    return (first_s - lacking_s / 2, last_s + lacking_s / 2) if lacking_s > 0 else (first_s, last_s)
