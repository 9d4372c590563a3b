"""Connections linger: their end reaches the other side late."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class SlowClose:
    """Holds the end of each connection back by `delay_ms`; data passes as ever."""

    link: str
    _: KW_ONLY
    delay_ms: int
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("delay_ms", self.delay_ms)

    def inject(self, stack: Stack) -> Heal:
        return stack.link(self.link).add_toxic("slow_close", {"delay": round(self.delay_ms)})
