"""A restart in the middle of traffic, as a deployment does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Restart:
    """Ends the service in good order and starts it again at once; the window is what is judged."""

    service: str
    needs: ClassVar[str] = "restart"
    cuts: ClassVar[bool] = False

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).restart()
