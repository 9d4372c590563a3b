"""A crash: the service ends in the middle of whatever it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL to every process of the service, at the start of the window.

    Back by the stack's own restart policy where it has one, else started again at the end of the window.
    """

    service: str
    needs: ClassVar[str] = "kill"
    cuts: ClassVar[bool] = True

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).kill()
