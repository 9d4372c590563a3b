"""Whether the stack gives again what it gave before anything was broken, from the load process's beats alone.

A sweep waits for it between two faults. It is a gate, not a judgement: how soon goodput was really back is read from
the samples, afterwards.
"""

from __future__ import annotations

import math

from harness.order import Beat
from harness.record import NS_PER_S

BEAT_S = 1.0
EARLY_S = 0.25
"""How long before the heal a beat may begin: a calm ends on a beat, so the next heal comes just after one."""
LEVEL = 0.95
BUSY_FACTOR, BUSY_MORE = 2, 3
BAD_MORE = 1
"""An endpoint that few ask for must be back too."""


class Calm:
    """Hears every beat; `baseline_end_s` is where the baseline ends on the run's clock."""

    def __init__(self, baseline_end_s: float) -> None:
        self._baseline_end_s = baseline_end_s
        self._before: list[Beat] = []
        self._last: Beat | None = None

    def hear(self, beat: Beat) -> None:
        end_s = beat.at_ns / NS_PER_S
        if BEAT_S <= end_s <= self._baseline_end_s:
            self._before.append(beat)
        self._last = beat

    def lacks(self, since_s: float) -> str:
        """What the last whole second had not of the baseline's, in words; empty where the stack is back.

        That second began EARLY_S before `since_s` at the soonest.
        """
        last = self._last
        if last is None or not self._before or last.at_ns / NS_PER_S - BEAT_S < since_s - EARLY_S:
            return "the load process was not heard"
        before = sum(beat.ok for beat in self._before) / len(self._before)
        busy = max(beat.users_busy for beat in self._before)
        bad = max(beat.fail + beat.unknown for beat in self._before)
        if last.ok < LEVEL * before - 2 * math.sqrt(before):
            return "goodput was not back"
        if last.fail + last.unknown > bad + BAD_MORE:
            return "requests still failed"
        return "requests were still queued" if last.users_busy > BUSY_FACTOR * busy + BUSY_MORE else ""
