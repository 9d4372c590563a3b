"""What a client was asked for while it called a link, and how many calls it made for each: in calm, and in a window.

Of the entry it is the load's requests, of any other service the attempts on the links that lead to it. Calls for each
request asked tell a client that tries again from one that is itself asked more often, by a caller who tries again.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.analysis.breaker import Due
from harness.record import NS_PER_S, History, Outcome

Floats = np.ndarray[Any, np.dtype[np.float64]]

ERRORS = 3.0
"""How many standard errors a bound is away."""
BLOCK_S = 1.0
"""Blocks of time, whose spread tells how far a ratio may be from the true one: calls may come in bunches."""


@dataclass(frozen=True, slots=True)
class Asked:
    """When requests came to a client, and when those ended that it answered at all, whatever it said; both rising."""

    came_s: Floats
    answered_s: Floats


@dataclass(frozen=True, slots=True)
class Times:
    """Calls for each request asked, over the same in calm: `ratio`, surely between `low` and `high`."""

    ratio: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """The standard error of the ratio's logarithm."""
        return math.log(self.high / self.low) / (2 * ERRORS) if self.low > 0 else math.inf


def asked(history: History, client: str, tapped: Collection[str]) -> Asked | None:
    """What came to a client; None where that was not seen. `tapped` are the links of which each request was seen."""
    inward = [name for name, (_, service) in history.links.items() if service == client]
    if any(name not in tapped for name in inward) or not (inward or client == history.entry):
        return None
    came, answered = [np.empty(0)], [np.empty(0)]
    if client == history.entry:
        samples = history.samples
        is_answered = (samples["outcome"] == Outcome.OK.value).to_numpy() | (samples["status"].to_numpy() > 0)
        came.append(samples["intended_ns"].to_numpy() / NS_PER_S)
        answered.append(samples["answered_ns"].to_numpy()[is_answered] / NS_PER_S)
    if inward and history.attempts is not None:
        rows = history.attempts[history.attempts["link"].isin(inward)]
        came.append(rows["started_s"].to_numpy())
        answered.append(rows["ended_s"].to_numpy()[rows["status"].to_numpy() > 0])
    return Asked(np.sort(np.concatenate(came)), np.sort(np.concatenate(answered)))


def due_by(found: Asked, calls_s: Floats, calm_s: float) -> Due:
    """The calls that should have come, by those of the calm, [0, calm_s), for each request asked."""
    calls, came = int((calls_s < calm_s).sum()), int((found.came_s < calm_s).sum())
    return Due(calls / calm_s if calm_s else 0.0, calls / came if came else 0.0, found.came_s, found.answered_s)


def times(found: Asked, calls_s: Floats, calm_s: float, start_s: float, end_s: float) -> Times | None:
    """Of the calls that began in [start_s, end_s). None where there is nothing to compare."""
    before, before_variance = _for_each(calls_s, found.came_s, 0.0, calm_s)
    during, variance = _for_each(calls_s, found.came_s, start_s, end_s)
    if not before or math.isnan(during):
        return None
    error = math.sqrt(before_variance + variance)
    ratio = during / before
    return Times(ratio, ratio * math.exp(-ERRORS * error), ratio * math.exp(ERRORS * error))


def _for_each(calls_s: Floats, came_s: Floats, start_s: float, end_s: float) -> tuple[float, float]:
    """(calls for each request that came, its relative variance); NaN where none came."""
    edges = np.linspace(start_s, end_s, max(3, round((end_s - start_s) / BLOCK_S) + 1))
    calls, came = np.histogram(calls_s, edges)[0], np.histogram(came_s, edges)[0]
    if not came.sum():
        return math.nan, math.inf
    ratio = float(calls.sum() / came.sum())
    spread = float(((calls - ratio * came) ** 2).sum()) * len(calls) / (len(calls) - 1)
    return ratio, max(spread, 1.0) / max(1.0, float(calls.sum())) ** 2
