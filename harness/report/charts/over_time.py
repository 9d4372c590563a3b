"""Charts over time: requests and response times, the latency heatmap, processors and memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from harness.analysis.series import Series, Usage
from harness.record import PlannedWindow, Verdict
from harness.report.charts import look

OUTCOMES = (("ok", look.OK), ("fail", look.FAIL), ("unknown", look.UNKNOWN))


def requests(
    series: Series, windows: Sequence[PlannedWindow], end_s: float, title: str, verdicts: Sequence[Verdict]
) -> Figure:
    """Requests a second by outcome, and under them the percentiles of response time, on one time axis."""
    drawn, (rates, times) = look.figure(5.0, 2, (1, 1.5))
    look.over_time((rates, times), windows, end_s)
    x = np.append(series.start_s, end_s)
    floor = np.zeros(len(series.start_s))
    for name, colour in OUTCOMES:
        top = floor + series.rates[name]
        if series.rates[name].any():
            rates.fill_between(x, _held(floor), _held(top), step="post", color=colour, linewidth=0)
        floor = top
    rates.set_ylim(0, max(1.0, float(floor.max()) * 1.12))
    rates.set_ylabel("requests/s")
    seen = [(name, colour) for name, colour in OUTCOMES if series.rates[name].any()]
    for row, (name, colour) in enumerate(seen):
        _label(rates, end_s, rates.get_ylim()[1] * (0.16 + 0.2 * row), name, colour)
    look.titled(drawn, title)

    lines = ((0.5, "p50", look.P50), (0.95, "p95", look.P95), (0.99, "p99", look.P99))
    limits = objectives(verdicts)
    everything = [value for q, _, _ in lines for value in series.percentiles_ms[q]] + [ms for _, ms in limits]
    ends: list[tuple[float, str, str]] = []
    for q, name, colour in lines:
        values = series.percentiles_ms[q]
        times.step(x, _held(values), where="post", color=colour, linewidth=1.6)
        last = values[np.isfinite(values)]
        if len(last):
            ends.append((float(last[-1]), name, colour))
    for name, limit_ms in limits:
        times.axhline(limit_ms, color=look.FAIL, linewidth=1, linestyle=(0, (4, 3)))
        times.annotate(
            name, (0.005, limit_ms), xycoords=("axes fraction", "data"), va="bottom", fontsize=8, color=look.FAIL
        )
    look.in_milliseconds(times.yaxis, *look.bounds_ms(everything))
    _spread_labels(times, end_s, ends)
    times.set_ylabel("response time")
    return drawn


def objectives(verdicts: Sequence[Verdict]) -> list[tuple[str, float]]:
    """The latency limits that the checks hold, by name: `p99 below 1,500 ms`."""
    found: dict[str, float] = {}
    for verdict in verdicts:
        limit, percentile = verdict.evidence.get("limit_ms"), verdict.evidence.get("percentile")
        if isinstance(limit, int | float) and isinstance(percentile, int | float):
            found[f"p{percentile:g} below {limit:,.0f} ms"] = float(limit)
    return sorted(found.items(), key=lambda pair: pair[1])


def heatmap(series: Series, windows: Sequence[PlannedWindow], end_s: float, title: str) -> Figure:
    """Where requests lie: a column a second, a row a twelfth of a decade, darker where there are more."""
    drawn, (axis,) = look.figure(3.0, 1, (1,))
    used = np.flatnonzero(series.heat.any(axis=1))
    top = len(series.edges_ms) - 1
    first, last = (max(0, used[0] - 1), min(top, used[-1] + 2)) if len(used) else (0, top)
    counts = series.heat[first:last]
    share = np.log1p(counts) / np.log1p(max(1, counts.max()))
    image = np.zeros((*counts.shape, 4))
    image[..., :3] = to_rgba(look.OK)[:3]
    image[..., 3] = np.where(counts > 0, 0.12 + 0.88 * share, 0.0)
    low, high = float(series.edges_ms[first]), float(series.edges_ms[last])
    look.over_time((axis,), windows, end_s)
    look.in_milliseconds(axis.yaxis, low, high)
    shown = axis.inset_axes((0, 0, 1, 1), zorder=1)
    last_s = float(series.start_s[-1])  # the last column holds what is less than a bin, too, and reaches to the end
    for part, from_s, until_s in ((image[:, :-1], 0.0, last_s), (image[:, -1:], last_s, end_s)):
        if part.shape[1]:
            extent = (from_s, until_s, 0, len(counts))
            shown.imshow(part, origin="lower", aspect="auto", interpolation="nearest", extent=extent)
    shown.set_xlim(0, end_s)
    shown.set_ylim(0, len(counts))
    shown.axis("off")
    axis.set_ylabel("response time")
    look.titled(drawn, title)
    return drawn


def usage(
    cpu: Sequence[Usage], memory: Sequence[Usage], windows: Sequence[PlannedWindow], end_s: float, title: str
) -> Figure:
    """Processor and memory of each service and of the generator."""
    drawn, (cores, megabytes) = look.figure(4.4, 2, (1, 1))
    look.over_time((cores, megabytes), windows, end_s)
    subjects = [one.subject for one in (*cpu, *memory) if one.subject != "generator"]
    for axis, metric, scale, smooth in ((cores, cpu, 1.0, 5), (megabytes, memory, 1e-6, 1)):
        ends = []
        for one in metric:
            inside = (one.at_s >= 0) & (one.at_s <= end_s)
            at_s, value = one.at_s[inside], one.value[inside] * scale
            if len(value) == 0:
                continue
            if smooth > 1 and len(value) > smooth and one.subject != "generator":
                kernel = np.ones(smooth) / smooth
                value = np.convolve(np.pad(value, smooth // 2, mode="edge"), kernel, mode="valid")
            colour = look.colour_of(one.subject, subjects)
            axis.plot(at_s, value, color=colour, linewidth=1.4)
            ends.append((float(value[-1]), one.subject, colour))
        axis.set_ylim(bottom=0)
        _spread_labels(axis, end_s, ends)
    cores.set_ylabel("cores in use")
    megabytes.set_ylabel("memory, MB")
    look.titled(drawn, title)
    return drawn


def _held(values: Any) -> Any:
    """Values with the last one held to the end of its bin."""
    return np.append(values, values[-1])


def _label(axis: Any, at: float, value: float, name: str, colour: str) -> None:
    axis.annotate(
        name,
        (at, value),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=colour,
        annotation_clip=False,
    )


def _spread_labels(axis: Any, at_s: float, ends: list[tuple[float, str, str]]) -> None:
    """Names at the ends of their lines, pushed apart where lines end close together."""
    scale = axis.transScale  # linear or log: labels are pushed apart as the eye sees them
    (_, low), (_, high) = scale.transform([(1, bound) for bound in axis.get_ylim()])
    gap = (high - low) * 0.095
    placed = low - gap
    for value, name, colour in sorted(ends):
        placed = max(float(scale.transform((1, value))[1]), placed + gap)
        _label(axis, at_s, float(scale.inverted().transform((1, placed))[1]), name, colour)
