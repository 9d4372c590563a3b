"""Rot: a backup that was good is not any more, and its name, size and time are what they were."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from harness.world import Heal, Stack

FLIPS = 16
FIRST, LAST = 0.2, 0.95
"""The part of the file in which bits are flipped: past its head, which any tool would miss."""


@dataclass(frozen=True, slots=True)
class DamageBackup:
    """Flips bits in the dump of the newest logical backup in the stack's folder of backups, and leaves its time.

    For drills only: a runbook finds it, and makes a new backup.
    """

    kind: str = "logical"
    only_in_drills: ClassVar[str] = "damages backups, and nothing in a scenario can put them back"

    def inject(self, stack: Stack) -> Heal:
        flip_bits(newest_file(Path(stack.backups), self.kind))
        return lambda: None


def newest_file(backups: Path, kind: str) -> Path:
    """The largest file of the newest whole backup of that kind. Raises FileNotFoundError where there is none."""
    whole = sorted(one for one in (backups / kind).glob("[0-9]*") if (one / "manifest.json").is_file())
    files = [one for one in whole[-1].rglob("*") if one.is_file() and one.name != "manifest.json"] if whole else []
    if not files:
        raise FileNotFoundError(f"there is no {kind} backup in {backups or 'the stack, which has no folder of them'}")
    return max(files, key=lambda one: one.stat().st_size)


def flip_bits(path: Path) -> None:
    """Flip one bit at each of some places that lie evenly in the file; its times stay."""
    before = path.stat()
    with path.open("r+b") as file:
        for number in range(FLIPS):
            at = int(before.st_size * (FIRST + (LAST - FIRST) * number / FLIPS))
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
