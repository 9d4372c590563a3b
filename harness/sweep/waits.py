"""How long clients waited for what was broken: for ever, or until a timeout of their own, as seen from outside."""

from __future__ import annotations

import numpy as np

from harness.sweep.requests import Requests

FEW = 5
"""Fewer requests than these have no length in common."""
SHARE = 0.1
"""Of an endpoint's requests: as many must have waited for it to be said of the endpoint."""
AT_ONCE_S = 0.2
"""What ends sooner was refused, and not given up."""
ALIKE_S, ALIKE_SHARE = 0.1, 0.25
"""Half of the waits must lie as close to one another as this, or as this share of their length."""


def waits_s(exposed: Requests, start_s: float, end_s: float, delay_ms: float | None) -> float | None:
    """How long requests of the first half of the window went on waiting, up to the heal or until the load's own client
    left; None when they did not. A fault that only delays cannot tell: each answer comes, in the end."""
    if delay_ms is not None:
        return None
    first = exposed.between(start_s, (start_s + end_s) / 2)
    waited_s = np.minimum(first.answered_s, end_s) - first.intended_s
    waiting = (first.answered_s >= end_s) | (first.silent & (waited_s >= 1.0))
    if waiting.sum() < max(FEW, SHARE * len(first)):
        return None
    return round(float(waited_s[waiting].max()), 3)


def gave_up_s(exposed: Requests, start_s: float, end_s: float, late_ms: float, delay_ms: float | None) -> float | None:
    """The length that the waits have in common, of those answered before the heal with a failure or late; else None.

    The wait of most, that is: the middle of the narrowest stretch that holds half of them. Under a delay only what is
    shorter than the delay is a timeout.
    """
    answered = exposed.between(start_s, end_s)
    came = (answered.answered_s < end_s) & ~answered.silent & (~answered.ok | (answered.response_ms > late_ms))
    waited_s = np.sort(answered.response_ms[came & (answered.response_ms >= AT_ONCE_S * 1000)] / 1000)
    if delay_ms is not None:
        waited_s = waited_s[waited_s < 0.95 * delay_ms / 1000]
    count, half = len(waited_s), (len(waited_s) + 1) // 2
    if count < max(FEW, SHARE * len(answered.between(start_s, (start_s + end_s) / 2))):
        return None
    widths = waited_s[half - 1 :] - waited_s[: count - half + 1]
    first = int(np.argmin(widths))
    middle_s = float(np.median(waited_s[first : first + half]))
    return round(middle_s, 3) if widths[first] <= max(ALIKE_S, ALIKE_SHARE * middle_s) else None
