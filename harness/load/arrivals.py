"""When arrivals are due, in the open model. Pure: a rate over time in, the intended starts out.

The intended starts do not depend on any answer. That is what keeps the measured response times honest while the stack
stands still: a request that could not start in time has waited since it was intended (coordinated omission, see the
field notes; k6 and Vegeta do the same).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.record import NS_PER_S

ARRIVALS_MAX = 50_000_000
"""More than this in one run is a mistake in the scenario: 50 million are 5,000/s for nearly three hours."""

Times = np.ndarray[Any, np.dtype[np.int64]]


def intended_ns(
    rates: Sequence[tuple[float, float]], end_s: float, *, warmup_s: float = 0.0, arrivals: str = "even", seed: int = 0
) -> Times:
    """The intended starts, int64 nanoseconds on the run's clock, rising; the first of the run itself is at 0.

    `rates` are (at_s, rate_per_s) points, straight between them, flat after the last, as Load.rates gives them. The
    warm-up sends at the first rate, or the first that is not zero, at times below 0. "even" spaces arrivals so that the
    expected count rises by one from each to the next; "poisson" draws that step from a seeded exponential.
    """
    points = [*rates, (max(end_s, rates[-1][0]), rates[-1][1])]
    at_s = np.array([point[0] for point in points])
    rate = np.array([point[1] for point in points])
    expected = np.concatenate(([0.0], np.cumsum(np.diff(at_s) * (rate[1:] + rate[:-1]) / 2)))
    if expected[-1] > ARRIVALS_MAX:
        raise ValueError(
            f"the load makes {expected[-1]:,.0f} arrivals in {end_s:g} s; at most {ARRIVALS_MAX:,} are sent in a run"
        )
    due = _counts(float(expected[-1]), arrivals, np.random.default_rng(seed))
    main = np.empty_like(due)
    for i in range(len(points) - 1):
        here = slice(*np.searchsorted(due, expected[i : i + 2]))
        main[here] = at_s[i] + _after(due[here] - expected[i], rate[i], rate[i + 1], at_s[i + 1] - at_s[i])
    warm_rate = next((float(r) for r in rate if r > 0), 0.0)
    warm = -np.arange(1, int(warmup_s * warm_rate) + 1)[::-1] / warm_rate if warm_rate else np.empty(0)
    times = np.concatenate((warm, main[main < end_s]))
    ns: Times = np.round(times * NS_PER_S).astype(np.int64)
    return ns


def _counts(total: float, arrivals: str, random: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The expected counts at which an arrival is due: 0, 1, 2, ... or the same with exponential steps."""
    if arrivals == "even":
        return np.arange(0.0, np.ceil(total))
    steps = random.exponential(size=int(total + 6 * np.sqrt(total) + 10))
    counts = np.concatenate(([0.0], np.cumsum(steps)))
    return counts[counts < total]


def _after(
    count: np.ndarray[Any, np.dtype[np.float64]], rate_from: float, rate_to: float, over_s: float
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Seconds after which a rate that goes straight from one value to another has let `count` arrivals through.

    Solves count = rate_from t + slope t^2 / 2 in the form that stays exact where the slope is nearly zero.
    """
    if over_s <= 0 or not len(count):
        return np.zeros(len(count))
    slope = (rate_to - rate_from) / over_s
    root = np.sqrt(np.maximum(rate_from**2 + 2 * slope * count, 0.0))
    seconds = np.zeros(len(count))
    np.divide(2 * count, rate_from + root, out=seconds, where=(rate_from + root) > 0)
    return seconds
