"""What one window did to one endpoint: who was served, how much later, and how long the others waited.

Counted are the requests intended in [start, end - tail). The tail is what an answer needs to come while the fault is
still in: a second, or twice the calm's 99th percentile, or a quarter more than the 99th percentile of what the first
half of the window was served, whichever is most, and never more than half of the window. So a stack that is slow by two
seconds is slow, and not one that loses the last two seconds of each window; and a request that went unserved was given
a tail's time at least. In the calm, too, only what came within the tail counts as served.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from harness.analysis.phases import Mask
from harness.analysis.quantiles import quantile
from harness.sweep.cells import Effect, Harm
from harness.sweep.noise import SAMPLES_MIN, SUSPECT, chance, loss, median_within, wobble
from harness.sweep.requests import Requests
from harness.sweep.waits import gave_up_s, waits_s

ALL = "all"
TAIL_S_MIN = 1.0
DOWN = 0.1
"""Fewer than this of what was served before is (almost) nothing."""
LOST_MIN = 0.01
"""A loss below this is not worth a word, however sure."""
SLOWER_MS_MIN, SLOWER_SHARE_MIN = 5.0, 0.2
"""A median that moved by less than this, or than this share of itself, is not worth a word."""
WOBBLES = 2.0
"""Nor one that moved by less than so many times what it moved by of itself, between the fifths of the calm."""
LATE_MIN = 0.1
"""As many must be late: a stack that once stood still for half a second is not slower."""
LATE_MS_MIN = 25.0
SEEN_MIN = 5
"""So many requests just before a window show whether it was slow then."""
WORKED_MIN = 0.5
"""Of an endpoint that failed more than half of its requests in the calm no word is possible."""


@dataclass(frozen=True, slots=True)
class Span:
    """A window as it really was, and the tail of it that is not counted.

    `settled`: what came just before it came long enough after the last heal to tell what the stack had become.
    """

    start_s: float
    end_s: float
    tail_s: float
    delay_ms: float | None = None
    settled: bool = True

    @property
    def counted_end_s(self) -> float:
        return self.end_s - self.tail_s


def tail_s(calm: Requests, exposed: Requests, start_s: float, end_s: float) -> float:
    """The end of a window whose requests are not counted: their answers may still have been under way."""
    half_s = (end_s - start_s) / 2
    needed = [TAIL_S_MIN]
    for name in calm.names:
        mine = calm.at(name)
        if len(mine) >= SAMPLES_MIN:
            needed.append(2 * quantile(mine.response_ms[mine.ok], 0.99) / 1000 if mine.ok.any() else 0.0)
    first_half = exposed.between(start_s, start_s + half_s)
    for name in first_half.names:
        mine = first_half.at(name)
        in_time = mine.served(end_s)
        if in_time.sum() >= SAMPLES_MIN / 2:
            needed.append(1.25 * quantile(mine.response_ms[in_time], 0.99) / 1000)
    return min(half_s, max(needed))


def effect(name: str, calm: Requests, just_before: Requests, exposed: Requests, span: Span) -> Effect:
    """What the window did to these requests, `exposed` to it. `just_before` are of the calm that it followed on."""
    during = exposed.between(span.start_s, span.counted_end_s)
    before, after = calm.served_within(span.tail_s), during.served(span.end_s)
    counts = Effect(name, Harm.UNKNOWN, len(calm), int(before.sum()), len(during), int(after.sum()))
    if min(len(calm), len(during)) < SAMPLES_MIN:
        where = "in the calm" if len(calm) < SAMPLES_MIN else "while it was in"
        counts = replace(counts, few=True, reason=f"fewer than {SAMPLES_MIN} requests {where}")
        if not len(calm) or not len(during):
            return counts
    if counts.served_before < WORKED_MIN * len(calm):
        return replace(counts, few=False, reason="it failed before anything was broken")
    lost = loss(counts.served_before, len(calm), counts.served, len(during))
    late_ms = _late_ms(calm.response_ms[before])
    waited_s = np.minimum(exposed.answered_s, span.end_s) - exposed.intended_s
    gave_up = gave_up_s(exposed, span.start_s, span.end_s, late_ms, span.delay_ms)
    measured = replace(
        counts,
        lost=round(lost.value, 4),
        lost_low=round(lost.low, 4),
        lost_high=round(lost.high, 4),
        late_ms=round(late_ms, 3),
        waiting=int((during.answered_s >= span.end_s).sum()),
        ok_too_late=int((during.ok & (during.answered_s >= span.end_s)).sum()),
        longest_s=round(float(waited_s.max(initial=0.0)), 3),
        gave_up_s=gave_up,
        waits_s=None if gave_up is not None else waits_s(exposed, span.start_s, span.end_s, span.delay_ms),
    )
    aged_ms = _aged_ms(calm, just_before, before)
    known_ms = aged_ms if span.settled and just_before.ok.sum() >= SAMPLES_MIN else 0.0
    measured, doubted = (_with_shifts(measured, calm, during, before, after, one) for one in (known_ms, aged_ms))
    harm = _harm(measured, len(calm))
    if harm is Harm.SLOWER and _harm(doubted, len(calm)) is not Harm.SLOWER:
        return replace(measured, few=False, doubtful=True, reason="it was slow already when the fault went in")
    if counts.few and (harm is Harm.UNHARMED or (harm is Harm.DOWN and measured.lost_low <= 0)):
        in_time = [int((one.response_ms[ok] <= late_ms).sum()) for one, ok in ((calm, before), (during, after))]
        suspect = chance(in_time[0], len(calm), in_time[1], len(during)) < SUSPECT
        return replace(counts, doubtful=suspect or not counts.served)
    return replace(measured, harm=harm, reason="")


def _harm(one: Effect, count_before: int) -> Harm:
    if one.served / one.requests < DOWN * one.served_before / count_before:
        return Harm.DOWN
    if one.lost_low > 0 and one.lost >= LOST_MIN:
        return Harm.DEGRADED
    moved = one.slower_ms is not None and one.noise_ms is not None and one.slower_ms > one.noise_ms
    return Harm.SLOWER if moved or one.slower_p95_ms is not None else Harm.UNHARMED


def _late_ms(served_ms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """What few exceed in the calm: twice the 95th percentile, or 25 ms more."""
    p95_ms = quantile(served_ms, 0.95)
    return p95_ms + max(LATE_MS_MIN, p95_ms)


def _aged_ms(calm: Requests, just_before: Requests, before: Mask) -> float:
    """By how much the median was above that of the calm just before the window: 0 where that was noise, or too few."""
    last_ms = just_before.response_ms[just_before.ok]
    if len(last_ms) < SEEN_MIN:
        return 0.0
    aged_ms = float(np.median(last_ms) - np.median(calm.response_ms[before]))
    return aged_ms if aged_ms > _of_itself_ms(calm, before) else 0.0


def _of_itself_ms(calm: Requests, before: Mask) -> float:
    """A median that moved by less is not worth a word."""
    old_ms = calm.response_ms[before]
    wobbled_ms = WOBBLES * wobble(calm.intended_s[before], old_ms)
    return max(SLOWER_MS_MIN, SLOWER_SHARE_MIN * float(np.median(old_ms)), wobbled_ms)


def _with_shifts(one: Effect, calm: Requests, during: Requests, before: Mask, after: Mask, aged_ms: float) -> Effect:
    """With the shift of the median, its interval, what it would have moved by of itself, and the share of the late.

    A stack that had become slower by itself, by `aged_ms`, is compared with what it last was.
    """
    old_ms, new_ms = calm.response_ms[before], during.response_ms[after]
    old, old_p95 = float(np.median(old_ms)), quantile(old_ms, 0.95)
    one = replace(one, p50_before_ms=round(old, 3), p95_before_ms=round(old_p95, 3))
    if len(new_ms) == 0:
        return one
    new, new_p95 = float(np.median(new_ms)), quantile(new_ms, 0.95)
    (old_low, old_high), (new_low, new_high) = median_within(old_ms), median_within(new_ms)
    shift, low, high = (value - aged_ms for value in (new - old, new_low - old_high, new_high - old_low))
    late_ms = (one.late_ms or 0.0) + aged_ms
    in_time = loss(int((old_ms <= late_ms).sum()), len(old_ms), int((new_ms <= late_ms).sum()), len(new_ms))
    many_late = in_time.low > 0 and in_time.value >= LATE_MIN
    return replace(
        one,
        p50_ms=round(new, 3),
        p95_ms=round(new_p95, 3),
        slower_ms=round(shift, 3),
        slower_low_ms=_finite(low),
        slower_high_ms=_finite(high),
        noise_ms=_finite(max(_of_itself_ms(calm, before), shift - low)),
        slower_p95_ms=round(new_p95 - old_p95 - aged_ms, 3) if many_late else None,
        late=round(float((new_ms > late_ms).mean()), 4),
    )


def _finite(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
