"""Every wait of ours: it has a deadline, it polls readiness, and it can be called off."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL_S = 0.02


def wait_until(ready: Callable[[], bool], within_s: float, *, cancelled: Callable[[], bool] = lambda: False) -> bool:
    """Poll until `ready`; False when `within_s` passed first, or when it was called off."""
    deadline = time.monotonic() + within_s
    while not ready():
        if cancelled() or time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
