"""What the embedded stack can do to a service: to its process and all that it started, without being root."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from harness.errors import StartError
from harness.stack import launch as launches
from harness.stack.ballast import empty, fill
from harness.stack.child import ProcessId
from harness.stack.service import cannot
from harness.waiting import wait_until

CAN = frozenset({"kill", "stop", "freeze", "restart", "cpu", "memory", "disk"})
TICK_S = 0.01
MEMORY_TICK_S = 0.1


class ProcessPowers:
    """Implements service.Powers over a launch record, or over a process that cannot be started again."""

    def __init__(self, name: str, process: ProcessId, launch: str, disks: Mapping[str, str]) -> None:
        self._name, self._first, self._launch, self._disks = name, process, launch, disks
        self._cpu = _Watch(self._squeeze_cpu)
        self._memory = _Watch(self._squeeze_memory)
        self._cores, self._limit_bytes = 0.0, 0
        self._frozen = False

    @property
    def process(self) -> ProcessId:
        found = launches.read(self._launch) if self._launch else None
        return found.process if found and found.process else self._first

    def alive(self) -> bool:
        return self.process.alive()

    def kill(self) -> None:
        for one in tree(self.process):
            with contextlib.suppress(psutil.Error):
                one.kill()
        self._wait_gone()

    def stop(self) -> None:
        self.process.end(10.0)

    def start(self) -> None:
        if self.alive():
            return
        found = launches.read(self._launch)
        if found is None:
            raise StartError(f"{self._name} cannot be started again: its stack is gone")
        found.again()

    def freeze(self) -> None:
        self._frozen = True
        send(self.process, signal.SIGSTOP)

    def thaw(self) -> None:
        self._frozen = False
        send(self.process, signal.SIGCONT)

    def limit_cpu(self, cores: float | None) -> None:
        self._cores = cores or 0.0
        self._cpu.run(cores is not None)
        if cores is None and not self._frozen:
            send(self.process, signal.SIGCONT)

    def limit_memory(self, limit_bytes: int | None) -> None:
        self._limit_bytes = limit_bytes or 0
        self._memory.run(limit_bytes is not None)

    def fill_disk(self, path: str, free_bytes: int) -> None:
        if path not in self._disks:
            listed = f"; bounded here: {', '.join(self._disks)}" if self._disks else ""
            raise cannot(
                self._name, f"a full disk at {path}", f"give it a volume of bounded size (docs/stack.md){listed}"
            )
        fill(Path(self._disks[path]), free_bytes, self._name)

    def empty_disk(self, path: str) -> None:
        empty(Path(self._disks[path]))

    def leave_networks(self) -> None:
        raise cannot(self._name, "a network partition", "run with --stack docker")

    def join_networks(self) -> None: ...

    def break_dns(self) -> None:
        raise cannot(self._name, "a DNS failure", "run with --stack docker")

    def mend_dns(self) -> None: ...

    def _wait_gone(self) -> None:
        wait_until(lambda: not self.alive(), 2.0)

    def _squeeze_cpu(self, stopped: threading.Event) -> None:
        """Stop and continue it, so that over each moment it uses no more than its share."""
        used_s, spent_s, before = 0.0, _cpu_s(self.process), time.monotonic()
        holding = False
        while not stopped.wait(TICK_S):
            now, total_s = time.monotonic(), _cpu_s(self.process)
            used_s = max(0.0, used_s + max(0.0, total_s - spent_s) - self._cores * (now - before))
            spent_s, before = total_s, now
            if self._frozen or (used_s > 0) == holding:
                continue
            holding = used_s > 0
            send(self.process, signal.SIGSTOP if holding else signal.SIGCONT)

    def _squeeze_memory(self, stopped: threading.Event) -> None:
        """What holds more than it may is killed, as the kernel does it to a container without swap."""
        while True:
            if resident_bytes(self.process) > self._limit_bytes:
                self.kill()
            if stopped.wait(MEMORY_TICK_S):
                return


class _Watch:
    """A thread that goes on while it is wanted."""

    def __init__(self, watch: Callable[[threading.Event], None]) -> None:
        self._watch = watch
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self, wanted: bool) -> None:
        if wanted and self._thread is None:
            self._stopped.clear()
            self._thread = threading.Thread(target=self._watch, args=(self._stopped,), name="squeeze", daemon=True)
            self._thread.start()
        elif not wanted and self._thread is not None:
            self._stopped.set()
            self._thread.join(2.0)
            self._thread = None


def tree(process: ProcessId) -> list[psutil.Process]:
    """The process and all below it, those that left its group too (PostgreSQL's do)."""
    if not process.alive():
        return []
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process.pid)
        return [root, *root.children(recursive=True)]
    return []


def send(process: ProcessId, number: signal.Signals) -> None:
    """A signal to the process and all below it."""
    for one in tree(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one.pid, number)


def held_still(process: ProcessId) -> bool:
    """Whether any of it is stopped."""
    for one in tree(process):
        with contextlib.suppress(psutil.Error):
            if one.status() == psutil.STATUS_STOPPED:
                return True
    return False


def resident_bytes(process: ProcessId) -> int:
    """What it holds, with all below it, counting shared pages once."""
    total = 0
    for index, one in enumerate(tree(process)):
        with contextlib.suppress(psutil.Error):
            memory = one.memory_info()
            total += memory.rss - (memory.shared if index else 0)
    return total


def _cpu_s(process: ProcessId) -> float:
    """Seconds of processor that it has used, in nanoseconds' grain where the kernel tells."""
    total = 0
    for one in tree(process):
        for task in Path(f"/proc/{one.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError, ValueError):
                total += int(task.read_text(encoding="ascii").split()[0])
    return total / 1e9
