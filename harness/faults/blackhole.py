"""The service is silent: connections stand and open, and nothing ever comes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.healing import all_of
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Blackhole:
    """Drops all data both ways and closes nothing: what a client without timeouts waits on for ever.

    Healing ends the connections that stood meanwhile, as the data that they lost cannot be made good.
    """

    link: str
    cuts: ClassVar[bool] = False

    def inject(self, stack: Stack) -> Heal:
        link = stack.link(self.link)
        return all_of(
            lambda: link.add_toxic("timeout", {"timeout": 0}, stream="upstream"),
            lambda: link.add_toxic("timeout", {"timeout": 0}, stream="downstream"),
        )
