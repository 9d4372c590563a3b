"""Figures over time: requests a second by outcome, percentiles a second, the latency heatmap, what was used.

Requests are counted in the second for which they were intended. A run of hours is cut into at most 600 bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.analysis.quantiles import quantiles
from harness.record import NS_PER_S, History
from harness.schema import OUTCOMES

BINS_MAX = 600
WIDTHS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600)
QUANTILES = (0.5, 0.95, 0.99)
CELLS_A_DECADE = 12
LOWEST_MS, HIGHEST_MS = 0.1, 100_000.0

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Series:
    """Over bins of `width_s`: `start_s` of each; `rates` by outcome, requests a second; `percentiles_ms` by quantile.

    `heat` counts requests, shape (latency cells, bins); `edges_ms` bound the cells, rising. NaN where nothing was.
    """

    width_s: float
    start_s: Floats
    rates: dict[str, Floats]
    percentiles_ms: dict[float, Floats]
    edges_ms: Floats
    heat: Counts


@dataclass(frozen=True, slots=True)
class Usage:
    """One metric of one subject over time, as it was read."""

    subject: str
    at_s: Floats
    value: Floats


def series(history: History) -> Series:
    """The series of a run, from zero to its end."""
    samples = history.samples
    end_s = max((phase.end_s for phase in history.phases), default=1.0)
    width_s = next((width for width in WIDTHS_S if end_s / width <= BINS_MAX), WIDTHS_S[-1])
    bins = max(1, int(end_s / width_s + 1e-9))  # what is less than a bin at the end joins the last one
    bin_of = np.minimum(samples["intended_ns"].to_numpy() // (width_s * NS_PER_S), bins - 1).astype(np.int16)
    outcomes = samples["outcome"].cat.codes.to_numpy()
    widths = np.full(bins, float(width_s))
    widths[-1] = end_s - (bins - 1) * width_s
    rates = {name: np.bincount(bin_of[outcomes == code], minlength=bins) / widths for code, name in enumerate(OUTCOMES)}
    response_ms = samples["response_ms"].to_numpy()
    edges_ms = np.logspace(np.log10(LOWEST_MS), np.log10(HIGHEST_MS), 6 * CELLS_A_DECADE + 1)
    with np.errstate(divide="ignore"):
        cell = np.log10(response_ms / np.float32(LOWEST_MS)) * np.float32(CELLS_A_DECADE)
    cells = len(edges_ms) - 1
    cell_of = np.clip(cell, 0, cells - 1).astype(np.int32)
    heat = np.bincount(cell_of * bins + bin_of, minlength=cells * bins).reshape(cells, bins)
    del cell, cell_of
    return Series(
        width_s=float(width_s),
        start_s=np.arange(bins, dtype=np.float64) * width_s,
        rates=rates,
        percentiles_ms=_percentiles(bin_of, response_ms, bins),
        edges_ms=edges_ms,
        heat=heat,
    )


def _percentiles(bin_of: np.ndarray[Any, Any], response_ms: np.ndarray[Any, Any], bins: int) -> dict[float, Floats]:
    found = np.full((len(QUANTILES), bins), np.nan)
    ordered = response_ms[np.argsort(bin_of, kind="stable")]
    ends = np.cumsum(np.bincount(bin_of, minlength=bins))
    starts = np.concatenate([[0], ends[:-1]])
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        found[:, index] = quantiles(ordered[start:end], QUANTILES)
    return {q: found[row] for row, q in enumerate(QUANTILES)}


def usage(history: History, metric: str) -> list[Usage]:
    """A metric of every subject that has it, in order of name."""
    resources = history.resources
    if resources is None or resources.empty:
        return []
    of_metric = resources[resources["metric"] == metric]
    found = []
    for subject in sorted(of_metric["subject"].astype("str").unique()):
        rows = of_metric[of_metric["subject"] == subject].sort_values("at_s", kind="stable")
        at_s, value = rows["at_s"].to_numpy(np.float64), rows["value"].to_numpy(np.float64)
        found.append(Usage(subject, at_s, value))
    return found
