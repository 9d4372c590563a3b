"""A loss: the service is gone, and all that it kept with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.kill import Kill
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class LoseData:
    """SIGKILL to every process of the service, and its data folder (its volumes, in a container) is emptied.

    For drills only: no heal can put the data back, a runbook must.
    """

    service: str
    needs: ClassVar[str] = "data"
    cuts: ClassVar[bool] = True
    only_in_drills: ClassVar[str] = "empties what the service keeps, and nothing in a scenario can put that back"

    def inject(self, stack: Stack) -> Heal:
        down = Kill(self.service).inject(stack)
        stack.service(self.service).lose_data()
        return down
