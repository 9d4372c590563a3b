"""A service taken down in good order, as for maintenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Stop:
    """Asks the service to end, waits for it as an operator would, and starts it again at the end of the window."""

    service: str
    needs: ClassVar[str] = "stop"
    cuts: ClassVar[bool] = True

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).stop()
