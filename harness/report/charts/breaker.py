"""A circuit breaker over time: what arrives at the dependency, and the states that are seen from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from harness.analysis.breaker import Calls, Interval, State
from harness.record import PlannedWindow
from harness.report.charts import look

WIDTH_S, BINS_MAX = 0.5, 600
STATES = {State.CLOSED: look.OK, State.HALF_OPEN: look.SHADE, State.OPEN: look.FAIL}
BAR = 0.36
LABEL_SHARE = 0.035
"""Of the run: a state that is shorter has no room for its length in words."""


def breaker(
    calls: Calls, states: Sequence[Interval], windows: Sequence[PlannedWindow], end_s: float, title: str
) -> Figure:
    """Calls and failures of each half second (more where the run is long), and a lane a state below."""
    drawn, (rates, band) = look.figure(3.7, 2, (2.4, 1))
    look.over_time((rates, band), windows, end_s)
    width_s = max(WIDTH_S, float(np.ceil(end_s / BINS_MAX / WIDTH_S)) * WIDTH_S)
    edges_s = np.append(np.arange(0, end_s, width_s), end_s)
    every, _ = np.histogram(calls.started_s, edges_s)
    bad, _ = np.histogram(calls.started_s[~calls.good], edges_s)
    rates.stairs(every, edges_s, baseline=bad, fill=True, color=look.OK, linewidth=0)
    rates.stairs(bad, edges_s, fill=True, color=look.FAIL, linewidth=0)
    rates.set_ylim(0, max(1.0, float(every.max(initial=0)) * 1.15))
    rates.set_ylabel(f"calls in {width_s:g} s")
    for row, (name, colour) in enumerate((("failed\nor slow", look.FAIL), ("good", look.OK))):
        look.beside(rates, (0.12 + 0.3 * row) * rates.get_ylim()[1], name, colour=colour)
    for row, (state, colour) in enumerate(STATES.items()):
        found = [one for one in states if one.state is state]
        boxes = [
            [(a, row - BAR), (b, row - BAR), (b, row + BAR), (a, row + BAR)]
            for a, b in ((one.start_s, one.end_s) for one in found)
        ]
        if boxes:
            band.add_collection(PolyCollection(boxes, facecolors=colour, edgecolors=colour, linewidths=0.9, alpha=0.75))
        for one in found:
            if state is State.OPEN and one.length_s > LABEL_SHARE * end_s:
                middle_s = (one.start_s + one.end_s) / 2
                band.text(middle_s, row, f"{one.length_s:.1f} s", ha="center", va="center", fontsize=7.5)
    band.set_yticks(range(len(STATES)), [state.value for state in STATES])
    band.tick_params(axis="y", length=0)
    band.set_ylim(len(STATES) - 0.4, -0.6)
    band.grid(axis="y", visible=False)
    look.titled(drawn, title)
    return drawn
