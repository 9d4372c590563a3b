"""Whether the load is served again after a disaster, from the load process's beats alone. Pure."""

from __future__ import annotations

from harness.calm import BEAT_S, BUSY_FACTOR, BUSY_MORE
from harness.order import Beat
from harness.record import NS_PER_S


class Served:
    """Hears every beat. A second is good when at least `ok_ratio_min` of what was asked in it was ok, something was,
    none was dropped, and it is not the second in a row after which more were waiting than in the baseline, which ends
    at `baseline_end_s`: what hangs piles up, and a pause does not."""

    def __init__(self, ok_ratio_min: float, settle_s: float, baseline_end_s: float) -> None:
        self._ok_ratio_min, self._settle_s, self._baseline_end_s = ok_ratio_min, settle_s, baseline_end_s
        self._calm: list[Beat] = []
        self._good_since_s: float | None = None
        self._bad_until_s = float("-inf")
        self._heard_s = float("-inf")
        self._piled_up = False

    def hear(self, beat: Beat) -> None:
        self._heard_s = beat.at_ns / NS_PER_S
        if BEAT_S <= self._heard_s <= self._baseline_end_s:
            self._calm.append(beat)
        if self._is_good(beat):
            if self._good_since_s is None:
                self._good_since_s = self._heard_s - BEAT_S
        else:
            self._good_since_s, self._bad_until_s = None, self._heard_s

    def _is_good(self, beat: Beat) -> bool:
        """What is on its way at a second's end belongs to the next."""
        answered = beat.ok + beat.fail + beat.unknown
        due = max(answered, beat.arrivals - beat.users_busy)
        is_ok = answered > 0 and beat.ok >= self._ok_ratio_min * due
        had_piled_up, self._piled_up = self._piled_up, beat.users_busy > self._busy_max(beat)
        return is_ok and not beat.dropped and not (had_piled_up and self._piled_up)

    def _busy_max(self, beat: Beat) -> float:
        """As calm.py bounds it; more arrivals than in the baseline keep more users busy."""
        if not self._calm:
            return float("inf")
        arrivals = sum(one.arrivals for one in self._calm) / len(self._calm)
        busy = BUSY_FACTOR * max(one.users_busy for one in self._calm) + BUSY_MORE
        return busy * max(1.0, beat.arrivals / arrivals if arrivals else 1.0)

    def hurt(self, disaster_s: float) -> bool:
        """Whether the load met the disaster at all: a second after it was not good."""
        return self._bad_until_s > disaster_s

    def since_s(self, at_s: float) -> float | None:
        """When the good seconds began that go on until now, where they have lasted for `settle_s` after `at_s`."""
        since_s = self._good_since_s
        if since_s is None or self._heard_s - max(since_s, at_s) < self._settle_s:
            return None
        return since_s
