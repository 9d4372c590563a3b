"""No fault at all. Read this first to write one of your own (docs/add-a-fault.md); in a run it is the control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Noop:
    """Breaks nothing. A window of it is judged as any other, so it shows what the checks say of a calm link."""

    link: str
    cuts: ClassVar[bool] = False

    def inject(self, stack: Stack) -> Heal:
        stack.link(self.link)  # an unknown link is an error here too
        return lambda: None
