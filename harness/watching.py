"""What a run tells while it goes on. The terminal shows it; a run without anyone to tell is silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.order import Beat


class View(Protocol):
    """Takes what a run tells. Called from the run's threads; must return at once."""

    def say(self, line: str) -> None:
        """Something happened, once."""
        ...

    def clock(self, at_s: float, phase: str, faults_in: Sequence[str]) -> None:
        """The time on the run's clock (negative in the warm-up), the phase, the windows that are in now."""
        ...

    def beat(self, beat: Beat) -> None:
        """The load process's account of the last second."""
        ...


class Silent:
    """Nobody looks."""

    def say(self, line: str) -> None: ...
    def clock(self, at_s: float, phase: str, faults_in: Sequence[str]) -> None: ...
    def beat(self, beat: Beat) -> None: ...
