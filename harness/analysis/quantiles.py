"""Quantiles from raw samples, never from averages of quantiles or from rounded buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]


def quantile(values: Numbers, q: float) -> float:
    """The value at nearest rank: the smallest that at least a share `q` of all values do not exceed. NaN for none."""
    return quantiles(values, (q,))[0]


def quantiles(values: Numbers, qs: Sequence[float]) -> list[float]:
    """Several at once, by one partial sort."""
    count = len(values)
    if count == 0:
        return [float("nan")] * len(qs)
    ranks = [min(count - 1, max(0, int(np.ceil(q * count - 1e-9)) - 1)) for q in qs]
    parted = np.partition(values, sorted(set(ranks)))
    return [float(parted[rank]) for rank in ranks]
