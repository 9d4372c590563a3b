"""The service is gone: standing connections end and new ones are refused, at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Outage:
    """Closes the link. The client learns it at once; for a link that says nothing at all, see Blackhole."""

    link: str
    cuts: ClassVar[bool] = True

    def inject(self, stack: Stack) -> Heal:
        return stack.link(self.link).cut()
