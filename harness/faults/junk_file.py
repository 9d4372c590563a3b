"""A file that nobody wanted has filled a disk."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class JunkFile:
    """Fills the file system at `path` with the file `name` below it until `free_mb` (of 1,000,000 bytes) are left.

    As DiskFull does, on file systems of bounded size only; but the file is one that an engineer finds and removes. For
    drills only: nothing else removes it.
    """

    service: str
    _: KW_ONLY
    path: str
    name: str = "debug.log"
    free_mb: float = 0
    needs: ClassVar[str] = "disk"
    cuts: ClassVar[bool] = False
    only_in_drills: ClassVar[str] = "leaves a file that nothing in a scenario removes (DiskFull removes its own)"

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f"path must be that of the volume in the container, as in /data; given {self.path!r}")
        if not self.name.strip("/") or self.name.startswith("/") or ".." in self.name.split("/"):
            raise ValueError(f"name is that of a file below path, as in debug.log; given {self.name!r}")
        positive("free_mb", self.free_mb, zero_allowed=True)

    def inject(self, stack: Stack) -> Heal:
        stack.service(self.service).leave_junk(self.path, self.name, round(self.free_mb * 1_000_000))
        return lambda: None
