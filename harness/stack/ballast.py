"""A full disk: a ballast file on a file system of bounded size, never on one that others share."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from harness.errors import StartError

NAME = ".resilience-harness-ballast"
SIZE_MAX_BYTES = 4 * 2**30
"""What a harness will write: a larger file system is no test bed."""
CHUNK_BYTES = 4 * 2**20


def fill(folder: Path, free_bytes: int, service: str) -> None:
    """Leave `free_bytes` free at `folder`. Raises StartError where that would hurt more than this service."""
    try:
        here, root = os.statvfs(folder), os.stat("/").st_dev
        shared = os.stat(folder).st_dev in (root, os.stat("/tmp").st_dev)
    except OSError as error:
        raise StartError(f"{service} has no folder {folder}: {error.strerror}; give the path of its volume") from error
    size_bytes = here.f_blocks * here.f_frsize
    if shared or size_bytes > SIZE_MAX_BYTES:
        raise StartError(
            f"{folder} of {service} is on a file system that others use too (or of more than "
            f"{SIZE_MAX_BYTES // 2**30} GiB); filling it would harm them; give the service a volume of bounded size "
            "(docs/stack.md)"
        )
    left = here.f_bavail * here.f_frsize - free_bytes
    with (folder / NAME).open("ab", buffering=0) as ballast:
        while left > 0:
            try:
                left -= ballast.write(b"\0" * min(left, CHUNK_BYTES))
            except OSError:
                return  # full, which was the purpose


def empty(folder: Path) -> bool:
    """Take the ballast away; whether there was any."""
    try:
        (folder / NAME).unlink()
    except OSError:
        return False
    return True


def mounted(folder: Path, name: str, size_bytes: int) -> Path | None:
    """A file system of that size in a new folder below `folder`; None where only root could mount one."""
    if os.geteuid() != 0:
        return None
    disk = folder / f"disk-{name}"
    disk.mkdir(mode=0o711)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=711", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, timeout=5).returncode == 0:
        return disk
    disk.rmdir()
    return None
