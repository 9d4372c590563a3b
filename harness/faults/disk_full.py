"""The disk of a service is full."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class DiskFull:
    """Fills the file system at `path` with a ballast file until `free_mb` (of 1,000,000 bytes) are left.

    Only a file system of bounded size that the service has for itself is filled (a volume with a size, a tmpfs); any
    other is refused, since the whole machine would run out of space.
    """

    service: str
    _: KW_ONLY
    path: str
    free_mb: float = 0
    needs: ClassVar[str] = "disk"
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f"path must be that of the volume in the container, as in /data; given {self.path!r}")
        positive("free_mb", self.free_mb, zero_allowed=True)

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).fill_disk(self.path, round(self.free_mb * 1_000_000))
