"""How long after a heal the stack gave again what it gave in the calm, looking no further than the next window.

The definition of analysis/recovery.py, made to fit the short calm of a sweep: back is the first moment from which every
stretch up to the next window has at least 95 % of the calm's goodput, less three standard errors. A stretch is a
quarter of what was watched, and 1 to 3 s, or all of it where that is less. It is told as the time of the first good
answer from there on, so that a stretch that begins in the dark is not counted as light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.analysis.recovery import LEVEL, WINDOW_S
from harness.sweep.requests import Floats

STRETCH_S_MIN, STEP_S = 1.0, 0.1
WATCHED_S_MIN = 0.5
WATCHED_S_MAX = 10.0
"""How long the runner waits for goodput; what is not back then is not back."""


@dataclass(frozen=True, slots=True)
class Comeback:
    """`back_s` after the heal, None when it was not seen; of `watched_s`. `gone` when it surely was not back."""

    back_s: float | None
    watched_s: float
    gone: bool = False


def comeback(ok_answers_s: Floats, rate_before: float, heal_s: float, next_s: float) -> Comeback:
    """`ok_answers_s` are the times of all good answers, rising; `rate_before` is the goodput of the calm."""
    watched_s = round(max(0.0, next_s - heal_s), 3)
    if watched_s < WATCHED_S_MIN:
        return Comeback(None, watched_s)
    stretch_s = min(float(WINDOW_S), max(min(STRETCH_S_MIN, watched_s), watched_s / 4))
    expected = rate_before * stretch_s
    level = LEVEL * expected - 3 * math.sqrt(expected)
    if level <= 0:
        return Comeback(None, watched_s)
    starts = heal_s + np.arange(0.0, watched_s - stretch_s + 1e-9, STEP_S)
    counts = np.searchsorted(ok_answers_s, starts + stretch_s) - np.searchsorted(ok_answers_s, starts)
    low = np.flatnonzero(counts < level)
    first = int(low[-1]) + 1 if len(low) else 0
    if first >= len(starts):
        return Comeback(None, watched_s, gone=watched_s >= WATCHED_S_MAX)
    came_s = ok_answers_s[np.searchsorted(ok_answers_s, starts[first])]
    return Comeback(round(max(0.0, float(came_s) - heal_s), 3), watched_s)
