"""A narrow link: data passes at a bounded rate, each way."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.faults.healing import all_of
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Lets `rate_kb_per_s` kilobytes a second pass, each way and a connection."""

    link: str
    _: KW_ONLY
    rate_kb_per_s: int
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("rate_kb_per_s", self.rate_kb_per_s)
        if self.rate_kb_per_s < 1:
            raise ValueError(f"rate_kb_per_s must be 1 or more; given {self.rate_kb_per_s!r}; Blackhole passes nothing")

    def inject(self, stack: Stack) -> Heal:
        link, attributes = stack.link(self.link), {"rate": round(self.rate_kb_per_s)}
        return all_of(
            lambda: link.add_toxic("bandwidth", attributes, stream="upstream"),
            lambda: link.add_toxic("bandwidth", attributes, stream="downstream"),
        )
