"""Memory runs short: the service may hold only so much."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class MemorySqueeze:
    """Leaves the service at most `limit_mb` (of 1,000,000 bytes).

    A limit above what it holds makes it fail when it grows; one below kills it at once, and the end of the window
    starts it again.
    """

    service: str
    _: KW_ONLY
    limit_mb: float
    needs: ClassVar[str] = "memory"
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("limit_mb", self.limit_mb)

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).squeeze_memory(round(self.limit_mb * 1_000_000))
