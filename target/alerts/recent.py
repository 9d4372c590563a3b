"""What counters have gained in the last seconds: Prometheus's increase(), for a service that looks at its own; pure."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

WINDOW_S = 10.0
"""As in rules.yml."""


class Recent:
    """By a look each second or so; without the extrapolation of increase(), which adds a tenth at most."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: deque[tuple[float, dict[str, float]]] = deque([(clock(), {})])

    def gained(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Since the first look of the window; `totals` are the counters now."""
        now = self._clock()
        self._looks.append((now, dict(totals)))
        while self._looks[0][0] < now - WINDOW_S:
            self._looks.popleft()
        before = self._looks[0][1]
        return {name: total - before.get(name, 0) for name, total in totals.items()}
