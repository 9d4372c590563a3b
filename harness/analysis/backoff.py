"""Backoff as it is seen from outside: by what factor the gaps between tries grow, and whether they are jittered.

A gap is from the END of an attempt to the start of the next. The k-th gaps of all operations have a mean; the factor is
the slope of its logarithm, weighted by how many gaps each mean is of, up to a cap: a bend, after which they grow no
more, that lies where it fits best and fits better than none by more than chance. At least two means must lie at it;
that of the last gap alone may be a cap, or gaps that grow less and less, and nobody can tell. Means and not single
ratios: of fully jittered gaps the ratios have no mean at all. The interval comes from the spread of the gaps about
their means, in closed form, so that the same history gives the same numbers.

One operation of three attempts gives two gaps and says nothing of jittered backoff. To tell a factor of 2 from none
with an error of 1 % at most takes 1 operation without jitter, 2 with ±20 %, 5 with equal jitter, 40 with full jitter;
tests/analysis/test_backoff.py shows it by trial.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from harness.analysis.operations import Operation
from harness.analysis.quantiles import quantile

Z = 2.68
"""Standard errors of the interval, either side. With it the numbers above come out; 99.3 % of a normal law."""
CAP_STEP = 0.05
"""So closely, in gaps, a cap is looked for: it may be reached in the middle of a step."""
AT_ONCE_S = 0.005
"""Shorter mean gaps are no backoff at all, and only noise could tell their growth."""
NOISE_S = 0.003
"""Timers are late by as much without any jitter."""


class Jitter(StrEnum):
    """By how much gaps spread about their mean, in the words of who writes backoff."""

    NONE = "none"
    SMALL = "small (about ±20 %)"
    EQUAL = "equal (half to whole)"
    FULL = "full (nothing to whole)"


SPREADS = {Jitter.NONE: 0.08, Jitter.SMALL: 0.4, Jitter.EQUAL: 0.8}
"""Up to what spread (10th to 90th percentile, in means) each is told. Theirs are 0, 0.32, 0.53 and 1.6."""
DEVIATIONS = {Jitter.NONE: 0.0, Jitter.SMALL: 0.2 / 3**0.5, Jitter.EQUAL: 1 / 27**0.5, Jitter.FULL: 1 / 3**0.5}
"""The standard deviation of one gap, in means, under each law: all are uniform."""

Gaps = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Backoff:
    """`factor` with its interval, from `operations` with two gaps at least; `mean_s` of the first gaps and on.

    `law_s` is what the means would be by that factor, each with its bounds (low, itself, high), up to the cap.
    `if_capped` is (factor, high) where the last gap may be at a cap; the same again where it may not.
    `spread` is that of gaps about their means, 0 for none. `needed` is how many operations it takes.
    """

    factor: float
    low: float
    high: float
    operations: int
    needed: int
    mean_s: tuple[float, ...]
    law_s: tuple[tuple[float, float, float], ...]
    if_capped: tuple[float, float]
    jitter: Jitter
    spread: float

    @property
    def at_once(self) -> bool:
        """There is no wait to speak of."""
        return max(self.mean_s) < AT_ONCE_S

    @property
    def enough(self) -> bool:
        return self.operations >= self.needed


def waits(operations: Sequence[Operation]) -> list[tuple[float, ...]]:
    """The gaps of each operation, up to the first that an answer asked for (Retry-After): that is not the client's."""
    found = []
    for one in operations:
        asked = [index for index, attempt in enumerate(one.attempts[:-1]) if attempt.retry_after_s > 0]
        gaps_s = one.gaps_s[: asked[0]] if asked else one.gaps_s
        if gaps_s:
            found.append(gaps_s)
    return found


def backoff(gaps_s: Sequence[Sequence[float]], *, factor: float = 2.0) -> Backoff | None:
    """Of each operation's gaps. `needed` is for telling `factor` from no growth. None where no gap has a second."""
    whole = [one for one in gaps_s if len(one) > 1]
    if not whole:
        return None
    columns = [np.array([one[k] for one in gaps_s if len(one) > k]) for k in range(max(len(one) for one in whole))]
    means = np.array([column.mean() for column in columns])
    jitter, spread = _jitter(columns, means)
    counts = np.array([len(column) for column in columns], dtype=np.float64)
    fit = _Fit(np.log(np.maximum(means, 1e-6)), counts, _deviation(columns, means))
    cap = fit.cap(len(counts) - 2.0) or len(counts) - 1.0
    slope, error = fit.slope(cap)
    steeper, wide = fit.slope(fit.cap(len(counts) - 1.0, surely=False) or cap)
    alone, capped = (math.exp(slope), math.exp(slope + error)), (math.exp(steeper), math.exp(steeper + wide))
    return Backoff(
        factor=math.exp(slope),
        low=math.exp(slope - error),
        high=math.exp(slope + error),
        operations=len(whole),
        needed=operations_needed(jitter, factor),
        mean_s=tuple(means.tolist()),
        law_s=fit.law(cap),
        if_capped=max(alone, capped),
        jitter=jitter,
        spread=spread,
    )


def operations_needed(jitter: Jitter, factor: float = 2.0) -> int:
    """So many operations of three attempts tell gaps that grow by `factor` from gaps that do not, by 1 % wrong at most.

    The estimate must come out on the right side of the middle, `factor`^0.5, Z standard errors away.
    """
    middle = abs(math.log(factor)) / 2
    return max(1, math.ceil(2 * (Z * DEVIATIONS[jitter] / middle) ** 2)) if middle else 1


@dataclass(frozen=True, slots=True)
class _Fit:
    """A line through the logarithms of the mean gaps by their number, level from a cap on."""

    logs: Gaps
    counts: Gaps
    deviation: float

    def slope(self, cap: float) -> tuple[float, float]:
        """(the line's slope, half the width of its interval)."""
        number, _ = self._from_middle(cap)
        scatter = float((self.counts * number**2).sum())
        degrees = max(1.0, float(self.counts.sum()) - len(self.counts))
        student = Z + (Z**3 + Z) / (4 * degrees) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * degrees**2)
        error = student * self.deviation / math.sqrt(scatter)
        return float((self.counts * number * self.logs).sum()) / scatter, error

    def cap(self, last: float, *, surely: bool = True) -> float | None:
        """Where the line bends best, at `last` at most; None where that is nowhere, or, `surely`, may be by chance."""
        steps = np.arange(1.0, last + CAP_STEP / 2, CAP_STEP)
        if not len(steps):
            return None
        off = self._off(np.append(steps, len(self.logs) - 1.0))
        best = int(np.argmin(off[:-1]))
        gain = float(off[-1] - off[best])
        return float(steps[best]) if gain > max(1e-12, (Z * self.deviation) ** 2 * surely) else None

    def law(self, cap: float) -> tuple[tuple[float, float, float], ...]:
        """The line up to the cap, and how far it may lie wrong: the more, the farther from its middle."""
        slope, error = self.slope(cap)
        number, middle = self._from_middle(cap)
        number = number[: int(cap + 1e-9) + 1]
        line, wide = middle + slope * number, error * np.abs(number)
        return tuple(zip(*np.exp([line - wide, line, line + wide]).tolist(), strict=True))

    def _off(self, caps: Gaps) -> Gaps:
        """The squares of what the line of each cap misses, each as often as there are gaps."""
        number = np.minimum(np.arange(len(self.logs)), caps[:, None])
        number = number - np.average(number, axis=1, weights=self.counts)[:, None]
        logs = self.logs - np.average(self.logs, weights=self.counts)
        slopes = (self.counts * number * logs).sum(axis=1) / (self.counts * number**2).sum(axis=1)
        missed: Gaps = (self.counts * (logs - slopes[:, None] * number) ** 2).sum(axis=1)
        return missed

    def _from_middle(self, cap: float) -> tuple[Gaps, float]:
        """(the numbers of the gaps up to the cap, from their middle, what the logarithms are there)."""
        number = np.minimum(np.arange(len(self.logs)), cap)
        middle = float(np.average(self.logs, weights=self.counts))
        return number - np.average(number, weights=self.counts), middle


def _deviation(columns: Sequence[Gaps], means: Gaps) -> float:
    """The standard deviation of a gap about the mean of its number, in means, from all numbers together."""
    squares = sum(
        float(((column / max(mean, 1e-6) - 1) ** 2).sum()) for column, mean in zip(columns, means, strict=True)
    )
    return math.sqrt(squares / max(1, sum(len(column) - 1 for column in columns)))


def _jitter(columns: Sequence[Gaps], means: Gaps) -> tuple[Jitter, float]:
    """By the middle four fifths, so that a pause of the machine makes no jitter; timers' own lateness makes none."""
    shares = np.concatenate([(column - mean) / max(mean, 1e-6) for column, mean in zip(columns, means, strict=True)])
    spread = quantile(shares, 0.9) - quantile(shares, 0.1)
    if spread * float(means.max()) < NOISE_S:
        return Jitter.NONE, spread
    return next((kind for kind, most in SPREADS.items() if spread <= most), Jitter.FULL), spread
