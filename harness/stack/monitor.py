"""Reads, a few times a second, what the services use and what crosses the links, into the run's resources.

On a thread of its own; a reading that is dear makes the next one come later, so that watching stays cheap.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import psutil

from harness.errors import HarnessError, ToxiproxyError
from harness.order import Beat
from harness.stack.child import ProcessId
from harness.stack.interface_counters import InterfaceCounters
from harness.stack.process_tree import tree
from harness.stack.sockets import LinkSockets
from harness.stack.state import StackState
from harness.stack.toxiproxy import ToxiproxyClient
from harness.stack.whereabouts import current_process

if TYPE_CHECKING:
    from harness.stack.docker.bypass import Bypass

PERIOD_S, PERIOD_MAX_S = 0.25, 1.0
LOOK_FOR_CHILDREN_S = 2.0
SHARE_MAX = 0.05
"""Of one core, what reading may cost."""

Reading = Callable[[int, str, str, float], None]
"""Takes (at_ns on the run's clock, subject, metric, value)."""


class Monitor:
    """Watches a stack from start() to stop()."""

    def __init__(self, state: StackState, zero_ns: int, reading: Reading) -> None:
        self._zero_ns, self._reading = zero_ns, reading
        self._processes = {one.name: _Usage(partial(current_process, one)) for one in state.services if one.process}
        self._state = state
        self._bypass = _bypass(state)
        self._toxiproxy = ToxiproxyClient(state.toxiproxy_url) if state.toxiproxy_url else None
        self._closed: dict[str, tuple[int, int]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """A last reading, and the end."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _watch(self) -> None:
        wait_s = 0.0
        links = self._open_links()  # here, since a socket belongs to the thread and the namespace that opened it
        while not self._stopped.wait(wait_s):
            began = time.thread_time()
            self._read(links)
            wait_s = min(PERIOD_MAX_S, max(PERIOD_S, (time.thread_time() - began) / SHARE_MAX))
        self._read(links)
        links.close()

    def _open_links(self) -> LinkSockets | InterfaceCounters:
        state = self._state
        proxy = next((one for one in state.services if one.name == state.toxiproxy and one.container), None)
        listens = {link.name: link.listen for link in state.links}
        process = (proxy.pid or 0) if proxy else None  # 0: it is not seen from here, nor are its connections
        links = LinkSockets(listens, process)
        return links if links.can_read or process is None else InterfaceCounters(listens, process)

    def _read(self, links: LinkSockets | InterfaceCounters) -> None:
        at_ns = time.monotonic_ns() - self._zero_ns
        for name, usage in self._processes.items():
            cpu_cores, memory_bytes = usage.read()
            self._reading(at_ns, name, "cpu_cores", cpu_cores)
            self._reading(at_ns, name, "memory_bytes", memory_bytes)
        if self._toxiproxy is not None:
            with contextlib.suppress(ToxiproxyError):  # a dead Toxiproxy is noticed and told elsewhere
                self._closed = self._toxiproxy.closed_bytes()
        if self._bypass is not None:
            with contextlib.suppress(HarnessError):
                for name, past in self._bypass.read().items():
                    if past is None:
                        self._reading(at_ns, name, "bypass_unchecked", 1.0)
                    else:
                        self._reading(at_ns, name, "bypass_connections", float(past))
        if not links.can_read:
            return
        at_ns = time.monotonic_ns() - self._zero_ns
        for name, count in links.read(self._closed).items():
            for metric, value in asdict(count).items():
                self._reading(at_ns, name, metric, float(value))


def _bypass(state: StackState) -> Bypass | None:
    if not any(one.container for one in state.services):
        return None
    from harness.stack.docker.bypass import Bypass  # the Docker SDK, where there is a container

    return Bypass(state)


def beat_readings(beat: Beat, reading: Reading) -> None:
    """A beat of the load process as readings of the subject `generator`."""
    for metric in ("arrivals", "dropped", "lag_p99_ms", "users_busy", "cpu_cores", "memory_bytes"):
        reading(beat.at_ns, "generator", metric, float(getattr(beat, metric)))


class _Usage:
    """CPU and memory of a process with all that it started."""

    def __init__(self, root: Callable[[], ProcessId | None]) -> None:
        """`root` tells which process it is now: a service may be started anew in the run."""
        self._root_now = root
        self._root: ProcessId | None = None
        self._cpu_s: dict[int, float] = {}
        self._read_at: float | None = None
        self._tree: list[psutil.Process] = []
        self._looked_at = float("-inf")

    def read(self) -> tuple[float, float]:
        """(cores in use since the last reading, resident bytes)."""
        cpu_s: dict[int, float] = {}
        memory_bytes = 0
        for process in self._processes():
            with contextlib.suppress(psutil.Error), process.oneshot():
                times, memory = process.cpu_times(), process.memory_info()
                cpu_s[process.pid] = times.user + times.system
                memory_bytes += memory.rss - (memory.shared if process is not self._tree[0] else 0)
        now = time.monotonic()
        cores = 0.0
        if self._read_at is not None and now > self._read_at:
            used_s = sum(value - self._cpu_s.get(pid, 0.0) for pid, value in cpu_s.items())
            cores = max(0.0, used_s / (now - self._read_at))
        self._cpu_s, self._read_at = cpu_s, now
        return cores, float(memory_bytes)

    def _processes(self) -> list[psutil.Process]:
        """The process and all below it, looked for now and then, since that walks over every process there is."""
        now = time.monotonic()
        if now - self._looked_at > LOOK_FOR_CHILDREN_S or self._root is None or not self._root.alive():
            self._looked_at = now
            self._root = self._root_now()
            self._tree = tree(self._root) if self._root else []
        return self._tree
