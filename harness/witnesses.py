"""What watches a stack while the clock runs: readings of its services and links, and the attempts that its tap sees."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.errors import TapError
from harness.record import NS_PER_S
from harness.stack.monitor import Monitor, Reading
from harness.stack.state import StackState
from harness.store import RunFolder
from harness.tap.client import Recording, TapClient

SAME_CLOCK_S = 0.05
"""A tap whose clock reads this near to ours has ours: it runs on the same kernel."""


class Witnesses:
    """From the run's zero to stop(). Raises TapError when the tap does not record."""

    def __init__(self, state: StackState, zero_ns: int, folder: RunFolder, reading: Reading) -> None:
        self._monitor = Monitor(state, zero_ns, reading)
        self._recording = _record(state, zero_ns, folder)
        self._monitor.start()

    def trouble(self) -> str | None:
        """Why one of them sees nothing any more."""
        return self._recording.error if self._recording is not None and self._recording.ended else None

    def stop(self, tell: Callable[[str], None]) -> None:
        """Their last words, and the end. What went wrong is told, and never raised."""
        self._monitor.stop()
        if self._recording is not None:
            try:
                self._recording.stop()
            except TapError as error:
                tell(str(error))


def _record(state: StackState, zero_ns: int, folder: RunFolder) -> Recording | None:
    if not state.tap:
        return None
    client = TapClient(state.tap)
    ahead_ns = client.clock_ns() - time.monotonic_ns()
    return client.record(zero_ns + (ahead_ns if abs(ahead_ns) > SAME_CLOCK_S * NS_PER_S else 0), folder.taps)
