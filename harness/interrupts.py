"""Signals as something to look at, never as an exception in the middle: what was begun is brought to its end."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType
from typing import Any

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """While it is entered, the first Ctrl-C (or SIGTERM, or SIGHUP) sets `number`; those after it change nothing."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        for number in WATCHED:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                self._before[number] = signal.signal(number, self._on_signal)
        self._before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # faults do not stand still
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number

    def came(self) -> bool:
        return self.number is not None

    def wait(self, at_most_s: float) -> None:
        """Sleep. Short, since a signal is looked at after it (a handler must not touch a lock that may be held)."""
        time.sleep(max(0.0, at_most_s))
