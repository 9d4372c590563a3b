"""A noisy neighbour: the service gets less processor than it needs."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class CpuSqueeze:
    """Leaves the service at most `cores` (0.2 is a fifth of one)."""

    service: str
    _: KW_ONLY
    cores: float
    needs: ClassVar[str] = "cpu"
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("cores", self.cores)
        if self.cores < 0.01:
            raise ValueError(f"cores must be 0.01 or more; given {self.cores!r}; for none at all use Freeze")

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).squeeze_cpu(self.cores)
