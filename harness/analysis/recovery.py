"""How long after the last fault the stack gave again what it gave before the first.

The definition: the first second after the end from which *every* 3 s window of the next 10 s has a goodput of at least
0.95 G0 - 2 sqrt(G0 / 3), where G0 is the baseline's. On systems whose truth is known it is 0.1 s late on average; "the
first touch of the baseline" is 7.7 s too early, and calls an oscillating system healthy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.analysis.phases import select
from harness.record import NS_PER_S, History, Outcome

HOLD_S = 10
"""How long goodput must stay."""
WINDOW_S = 3
"""Over how long goodput is averaged."""
LEVEL = 0.95
"""Of the baseline's goodput."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """`seconds` after the last window; None when it was not seen, with the reason in `reason`.

    `too_short`: the run ended before it could be known. Then nothing is said of the stack.
    """

    seconds: int | None
    reason: str = ""
    too_short: bool = False


def recovery(history: History, *, endpoint: str | None = None) -> Recovery:
    """Of the goodput (ok answers a second, counted when they came) of all requests, or of one endpoint's."""
    end_s = max(window.end_s for window in history.windows)
    run_end_s = max(phase.end_s for phase in history.phases)
    baseline = next((phase for phase in history.phases if phase.kind == "baseline"), None)
    if baseline is None or baseline.length_s < WINDOW_S:
        return Recovery(None, "There was no baseline to recover to", too_short=True)
    ok = (history.samples["outcome"] == Outcome.OK.value).to_numpy() & select(history, "run", endpoint)[0][1]
    answered_s = np.sort(history.samples["answered_ns"].to_numpy()[ok] / NS_PER_S)

    def goodput(start_s: float, length_s: float) -> float:
        first, last = np.searchsorted(answered_s, [start_s, start_s + length_s])
        return float(last - first) / length_s

    before = goodput(baseline.start_s, baseline.length_s)
    if before <= 0:
        return Recovery(None, "Nothing was answered well in the baseline", too_short=True)
    level = LEVEL * before - 2 * math.sqrt(before / WINDOW_S)
    if level <= 0:
        return Recovery(None, f"{before:.1f} ok answers a second in the baseline are too few to tell", too_short=True)
    seen_s = run_end_s - end_s
    for second in range(max(0, math.floor(seen_s - HOLD_S + 1e-9)) + 1):
        if second + HOLD_S > seen_s + 1e-9:
            break
        starts = range(second, second + HOLD_S - WINDOW_S + 1)
        if all(goodput(end_s + start, WINDOW_S) >= level for start in starts):
            return Recovery(second)
    if seen_s < HOLD_S:
        reason = f"The run went on for {seen_s:.0f} s after the last fault; {HOLD_S} s at least are needed to tell"
        return Recovery(None, reason, too_short=True)
    last = goodput(run_end_s - WINDOW_S, WINDOW_S)
    after = f"{last:.1f} ok answers a second at the end, {before:.1f} before the faults"
    return Recovery(
        None, f"Goodput was not back for {HOLD_S} s on end within {seen_s:.0f} s of the last fault ({after})"
    )
