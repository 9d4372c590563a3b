"""Whether the load is served again after a disaster, from the load process's beats alone. Pure."""

from __future__ import annotations

from harness.order import Beat
from harness.record import NS_PER_S

BEAT_S = 1.0


class Served:
    """Hears every beat. A second is good when at least `ok_ratio_min` of its answers were ok, and there were some."""

    def __init__(self, ok_ratio_min: float, settle_s: float) -> None:
        self._ok_ratio_min, self._settle_s = ok_ratio_min, settle_s
        self._good_since_s: float | None = None
        self._bad_until_s = float("-inf")
        self._heard_s = float("-inf")

    def hear(self, beat: Beat) -> None:
        self._heard_s = beat.at_ns / NS_PER_S
        answered = beat.ok + beat.fail + beat.unknown
        if answered and beat.ok >= self._ok_ratio_min * answered:
            if self._good_since_s is None:
                self._good_since_s = self._heard_s - BEAT_S
        else:
            self._good_since_s, self._bad_until_s = None, self._heard_s

    def hurt(self, disaster_s: float) -> bool:
        """Whether the load met the disaster at all: a second after it was not good."""
        return self._bad_until_s > disaster_s

    def since_s(self, at_s: float) -> float | None:
        """When the good seconds began that go on until now, where they have lasted for `settle_s` after `at_s`."""
        since_s = self._good_since_s
        if since_s is None or self._heard_s - max(since_s, at_s) < self._settle_s:
            return None
        return since_s
