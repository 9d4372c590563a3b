"""Backoff: the gaps between tries by their number, on a log axis, against the law that was estimated from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from harness.analysis.backoff import Backoff
from harness.analysis.quantiles import quantile
from harness.report.charts import look

NUMBERS_MAX, POINTS_MAX = 12, 300
"""So many gaps are shown, the first ones, and so many points of each."""
LEAST_MS, LEAST_SHARE = 1.0, 0.05
"""Of the least median: a shorter gap is drawn there, as on a log axis nothing has no place."""
ASIDE, GOLDEN = 0.17, 0.6180339887498949
"""How far points lie aside, each in its place: no die is cast for a picture."""
MEDIAN_Z = 1.96


def gaps(gaps_s: Sequence[Sequence[float]], law: Backoff, title: str, wanted: float | None = None) -> Figure:
    """A point a gap, its median with its interval, and the law with its own; dotted, the growth that was `wanted`."""
    numbers = min(NUMBERS_MAX, max(len(one) for one in gaps_s))
    drawn, (axis,) = look.figure(3.1, 1, (1,))
    columns = [np.sort([1000 * one[number] for one in gaps_s if len(one) > number]) for number in range(numbers)]
    least_ms = max(LEAST_MS, LEAST_SHARE * min(quantile(one, 0.5) for one in columns))
    every: list[float] = []
    for number, sorted_ms in enumerate(columns):
        values = np.maximum(sorted_ms, least_ms)
        shown = values[np.unique(np.linspace(0, len(values) - 1, POINTS_MAX).astype(int))]
        aside = (np.arange(len(shown)) * GOLDEN % 1 - 0.5) * 2 * ASIDE
        axis.scatter(number + aside, shown, s=9, color=look.OK, alpha=0.35, linewidths=0)
        middle, (low, high) = quantile(values, 0.5), _interval(values)
        axis.plot([number + 0.28, number + 0.28], [low, high], color=look.INK, linewidth=1.6, solid_capstyle="butt")
        axis.plot([number + 0.28], [middle], marker="D", markersize=4, color=look.INK)
        axis.annotate(
            look.time_in_words(quantile(sorted_ms, 0.5)),
            (number + 0.28, middle),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
        every += [float(values[0]), float(values[-1])]
    said = (
        []
        if law.at_once
        else [(f"the law that fits: each ×{law.factor:.2f} ({law.low:.2f} to {law.high:.2f})", look.SHADE)]
    )
    law_ms = np.maximum(least_ms, 1000 * np.array(law.law_s[:numbers]))
    x = np.arange(len(law_ms))
    if not law.at_once:
        axis.fill_between(x, law_ms[:, 0], law_ms[:, 2], color=look.SHADE, alpha=0.22, linewidth=0)
        axis.plot(x, law_ms[:, 1], color=look.SHADE, linewidth=1.6, linestyle=(0, (5, 3)))
        every += law_ms[:, 1].tolist()
        if wanted is not None:
            wanted_ms = law_ms[0, 1] * wanted**x
            axis.plot(x, wanted_ms, color=look.INK, linewidth=1.2, linestyle=(0, (1, 2)))
            every += wanted_ms.tolist()
            said.append((f"wanted: each ×{wanted:g}", look.INK))
    for number, (text, colour) in enumerate(said):
        over: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}
        axis.annotate(text, (0.45 * number, 1.0), xytext=(0, 3), fontsize=8, color=colour, **over)
    axis.set_xlim(-0.5, max(2, numbers) - 0.3)
    axis.set_xticks(range(numbers), [f"{number + 1} → {number + 2}" for number in range(numbers)])
    axis.tick_params(axis="x", length=0)
    axis.grid(axis="x", visible=False)
    axis.set_xlabel(
        "from the end of an attempt to the start of the next; a diamond is the median, its bar the interval"
    )
    look.in_milliseconds(axis.yaxis, *look.bounds_ms(every))
    axis.set_ylabel("gap")
    look.titled(drawn, title)
    return drawn


def _interval(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    """Of the median, by ranks; all of them where they are few."""
    half = MEDIAN_Z * len(values) ** 0.5 / 2
    low, high = int(np.floor(len(values) / 2 - half)), int(np.ceil(len(values) / 2 + half))
    return float(values[max(0, low)]), float(values[min(len(values) - 1, high)])
