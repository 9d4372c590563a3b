"""A slow link: every answer of the service comes later."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Latency:
    """Holds each piece of data from the service back by `delay_ms`, plus or minus up to `jitter_ms` (uniform).

    Takes hold of standing connections too. A request pays it once a round trip on this link. The jitter is drawn by
    Toxiproxy, which takes no seed: leave it 0 where runs must be alike.
    """

    link: str
    _: KW_ONLY
    delay_ms: int
    jitter_ms: int = 0
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("delay_ms", self.delay_ms, zero_allowed=True)
        positive("jitter_ms", self.jitter_ms, zero_allowed=True)
        if self.jitter_ms > self.delay_ms:
            raise ValueError(f"jitter_ms must be at most delay_ms ({self.delay_ms}); given {self.jitter_ms}")

    def inject(self, stack: Stack) -> Heal:
        attributes = {"latency": round(self.delay_ms), "jitter": round(self.jitter_ms)}
        return stack.link(self.link).add_toxic("latency", attributes)
