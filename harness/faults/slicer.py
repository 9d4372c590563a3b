"""Data comes in small pieces: what a client shows that takes one read for one message."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Slicer:
    """Cuts what the service sends into pieces of `size_bytes`, plus or minus `variation_bytes`, `delay_us` apart."""

    link: str
    _: KW_ONLY
    size_bytes: int
    variation_bytes: int = 0
    delay_us: int = 0
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("size_bytes", self.size_bytes)
        positive("variation_bytes", self.variation_bytes, zero_allowed=True)
        positive("delay_us", self.delay_us, zero_allowed=True)
        if self.variation_bytes >= self.size_bytes:
            raise ValueError(
                f"variation_bytes must be less than size_bytes ({self.size_bytes}); given {self.variation_bytes}"
            )

    def inject(self, stack: Stack) -> Heal:
        attributes = {
            "average_size": round(self.size_bytes),
            "size_variation": round(self.variation_bytes),
            "delay": round(self.delay_us),
        }
        return stack.link(self.link).add_toxic("slicer", attributes)
