"""A process with all that it started: who they are, what they use, and signals to all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

from harness.stack.child import ProcessId, group_members
from harness.waiting import wait_until

GONE_WITHIN_S = 2.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def pids(process: ProcessId) -> list[int]:
    """The process and all below it, those that left its group too (PostgreSQL's do); none where it has ended."""
    if not process.alive():
        return []
    found = [process.pid]
    for pid in found:  # grows as it goes
        found += _children(pid)
    return found


def tree(process: ProcessId) -> list[psutil.Process]:
    """The same, to be watched."""
    found = []
    for pid in pids(process):
        with contextlib.suppress(psutil.Error):
            found.append(psutil.Process(pid))
    return found


def send(process: ProcessId, number: signal.Signals) -> None:
    """A signal to the process and all below it, those too that come to be meanwhile."""
    reached: set[int] = set()
    while new := [pid for pid in pids(process) if pid not in reached]:
        for pid in new:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        reached.update(new)


def kill(process: ProcessId) -> None:
    """SIGKILL to all of it, and wait until it is gone."""
    if not process.alive():
        return
    members = {*pids(process), *group_members(process.pid)}
    for pid in members:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not process.alive() and not any(map(_lives, members)), GONE_WITHIN_S)


def held_still(process: ProcessId) -> bool:
    """Whether any of it is stopped."""
    return any(_state(pid) == "T" for pid in pids(process))


def resident_bytes(process: ProcessId) -> int:
    """What it holds, with all below it, counting shared pages once."""
    pages = 0
    for index, pid in enumerate(pids(process)):
        with contextlib.suppress(OSError, ValueError):
            _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
            pages += int(resident) - (int(shared) if index else 0)
    return pages * PAGE_BYTES


def cpu_s(members: list[int]) -> float:
    """Seconds of processor that these processes have used, to the nanosecond."""
    total_s = 0.0
    for pid in members:
        with contextlib.suppress(OSError):
            total_s += time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes it
    return total_s


def _state(pid: int) -> str:
    """A letter, as in /proc/PID/stat; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _lives(pid: int) -> bool:
    return _state(pid) not in ("", "Z")


def _children(pid: int) -> list[int]:
    found: list[int] = []
    if not _KERNEL_LISTS_CHILDREN:
        with contextlib.suppress(psutil.Error):
            found = [one.pid for one in psutil.Process(pid).children()]
        return found
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


_KERNEL_LISTS_CHILDREN = Path("/proc/thread-self/children").exists()
