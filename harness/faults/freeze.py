"""A service that is there and says nothing: paused, swapping, stuck in a collection of its garbage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Freeze:
    """Holds every process of the service still. Its connections stay open: only a timeout tells its clients."""

    service: str
    needs: ClassVar[str] = "freeze"
    cuts: ClassVar[bool] = True

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).freeze()
