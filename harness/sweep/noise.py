"""Is it more than noise? Bounds on shares and on quantiles, for counts as small as a sweep's windows have them.

All are at Z standard errors. A matrix of 25 rows asks some 1,500 such questions, and one that cries wolf in every
second sweep is soon not read any more: at four it does so in one of twenty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.analysis.quantiles import Numbers

Z = 4.0
SAMPLES_MIN = 20
"""Fewer are few: no good word on them, as the checks have it; and as scores are too sure of them, an exact test."""
SURE, SUSPECT = (math.erfc(z / math.sqrt(2)) / 2 for z in (Z, 2.0))
"""How likely chance may be at most where a thing is sure, and where it is not to be passed over."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How much smaller the second share is than the first, and the interval in which that truly lies."""

    value: float
    low: float
    high: float


def wilson(part: int, whole: int, z: float = Z) -> tuple[float, float]:
    """The score interval of a share; honest at 0 and at 1, and for few. (0, 1) for none."""
    if whole == 0:
        return 0.0, 1.0
    share, spread = part / whole, z * z / whole
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return (0.0 if part == 0 else max(0.0, low), 1.0 if part == whole else min(1.0, high))


def chance(part: int, whole: int, part_after: int, whole_after: int) -> float:
    """How likely chance alone makes the second share so small where both are one: Fisher's exact test, one-sided."""
    both = part + part_after
    ways = sum(
        math.comb(whole_after, k) * math.comb(whole, both - k) for k in range(max(0, both - whole), part_after + 1)
    )
    return ways / math.comb(whole + whole_after, both)


def loss(part: int, whole: int, part_after: int, whole_after: int) -> Loss:
    """Newcombe's interval of the difference of two shares, of two Wilson intervals; of few, sure where the exact test
    is."""
    before, after = (part / whole if whole else 0.0), (part_after / whole_after if whole_after else 0.0)
    (low, high), (low_after, high_after) = wilson(part, whole), wilson(part_after, whole_after)
    value = before - after
    least = value - math.hypot(before - low, high_after - after)
    if min(whole, whole_after) < SAMPLES_MIN and least > 0 and chance(part, whole, part_after, whole_after) > SURE:
        least = 0.0
    return Loss(value, least, value + math.hypot(high - before, after - low_after))


def median_within(values: Numbers) -> tuple[float, float]:
    """The interval of a median by ranks, whatever the values are distributed like; infinite where they are too few."""
    count = len(values)
    half = Z * math.sqrt(count) / 2
    low, high = math.floor(count / 2 - half) - 1, math.ceil(count / 2 + half)
    ordered = np.sort(values)
    return (
        float(ordered[low]) if 0 <= low < count else -math.inf,
        float(ordered[high]) if 0 <= high < count else math.inf,
    )


def wobble(at_s: Numbers, values: Numbers, parts: int = 5, least: int = 20) -> float:
    """How far the median of a fifth of the time was from that of all: what it moves by of itself. 0 for too few."""
    if len(values) < parts * least:
        return 0.0
    ordered = values[np.argsort(at_s, kind="stable")]
    median = float(np.median(ordered))
    return max(abs(float(np.median(part)) - median) for part in np.array_split(ordered, parts))
