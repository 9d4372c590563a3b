"""A full disk: a ballast file on a file system of bounded size, never on one that others share."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

from harness.errors import StartError

NAME = ".resilience-harness-ballast"
SIZE_MAX_BYTES = 4 * 2**30
"""What a harness will write: a larger file system is no test bed."""
CHUNK_BYTES = 4 * 2**20


def leave_free(folder: Path, free_bytes: int | None, service: str, name: str = NAME) -> None:
    """Leave so much free at `folder`, None: as if we had never come. `name` is that of the file that fills it.

    Raises StartError where a full disk would hurt more than this service.
    """
    if free_bytes is None:
        empty(folder)
        return
    try:
        here = os.statvfs(folder)
        own = os.path.ismount(folder)  # not what lies below it: a volume that is not mounted, or another's folder
        shared = not own or os.stat(folder).st_dev in {os.stat(one).st_dev for one in ("/", "/tmp")}
    except OSError as error:
        raise StartError(f"{service} has no folder {folder}: {error.strerror}; give the path of its volume") from error
    if shared or here.f_blocks * here.f_frsize > SIZE_MAX_BYTES:
        raise StartError(
            f"{folder} of {service} is on a file system that others use too (or of more than "
            f"{SIZE_MAX_BYTES // 2**30} GiB); filling it would harm them; give the service a volume of bounded size "
            "(docs/faults.md)"
        )
    try:
        _fill(folder / name, here.f_bavail * here.f_frsize - free_bytes)
    except OSError as error:
        raise StartError(f"{folder} of {service} cannot be filled: {error.strerror or error}") from error


def _fill(path: Path, more_bytes: int) -> None:
    """Make the ballast so much larger, or smaller."""
    with open(path, "ab", buffering=0, opener=_no_link) as ballast:
        if more_bytes <= 0:
            ballast.truncate(max(0, ballast.tell() + more_bytes))
            return
        with contextlib.suppress(OSError):
            os.posix_fallocate(ballast.fileno(), ballast.tell(), more_bytes)  # as a rule at once, and all of it
            return
        while more_bytes > 0:  # not all fits any more, or the file system cannot do that
            try:
                more_bytes -= ballast.write(b"\0" * min(more_bytes, CHUNK_BYTES))
            except OSError:
                return  # full, which was the purpose


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


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
