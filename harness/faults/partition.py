"""A service that no network reaches any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Partition:
    """Takes the service off every network; at the end of the window it is on them again, by its names.

    An address that the Compose file does not fix may be another one then.
    """

    service: str
    needs: ClassVar[str] = "partition"
    cuts: ClassVar[bool] = True

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).partition()
