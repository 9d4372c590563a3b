"""What the embedded stack can do to a service: to its process and all that it started, without being root."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import StartError
from harness.stack import launch as launches
from harness.stack import process_tree
from harness.stack.ballast import leave_free
from harness.stack.child import ProcessId
from harness.stack.disasters import data_folder, empty_folder, run_sql
from harness.stack.hands import ProcessHands
from harness.stack.launch import Launch
from harness.stack.service import cannot
from harness.stack.state import RunningService

STOPS_WITHIN_S = 10.0
TICK_S = 0.01
LOOK_FOR_CHILDREN_S = 0.1
MEMORY_TICK_S = 0.1


class ProcessPowers:
    """Implements service.Powers over a launch record, or over a process that cannot be started again."""

    def __init__(
        self, service: RunningService, process: ProcessId, hands: Callable[[], ProcessHands] | None = None
    ) -> None:
        """`process` is the service's as it was first started; `hands` work on its stack as an engineer does."""
        self._hands = hands
        self._name, self._first, self._launch, self._disks = service.name, process, service.launch, service.disks
        self._is_to_run = service.running
        self._still = _Stillness(lambda: self.process)
        self._cpu = _Watch(self._squeeze_cpu)
        self._memory = _Watch(self._squeeze_memory)
        self._cores, self._limit_bytes = 0.0, 0

    @property
    def process(self) -> ProcessId:
        found = launches.read(self._launch) if self._launch else None
        return found.process if found and found.process else self._first

    def alive(self) -> bool:
        return self.process.alive()

    def is_done(self) -> bool:
        return False  # all that the embedded stack starts is to run on

    def kill(self) -> None:
        process_tree.kill(self.process)

    def stop(self) -> None:
        process_tree.send(self.process, signal.SIGCONT)  # what is held still would hear of it too late
        self.process.end(STOPS_WITHIN_S)

    def start(self) -> bool:
        if not self._is_to_run or self.alive():
            return False
        found = launches.read(self._launch) if self._launch else None
        if found is None:
            raise StartError(f"{self._name} cannot be started again: its stack is gone")
        found.again()
        return True

    def freeze(self) -> None:
        self._still.hold("frozen")

    def thaw(self) -> None:
        self._still.let_go("frozen")

    def limit_cpu(self, cores: float | None) -> None:
        self._cores = cores or 0.0
        self._cpu.run(cores is not None)
        if cores is None:
            self._still.let_go("cpu")

    def limit_memory(self, limit_bytes: int | None) -> None:
        self._limit_bytes = limit_bytes or 0
        self._memory.run(limit_bytes is not None)

    def limit_disk(self, path: str, free_bytes: int | None) -> None:
        self._bounded(path)
        leave_free(Path(self._disks[path]), free_bytes, self._name)

    def _bounded(self, path: str) -> None:
        if path not in self._disks:
            listed = f"; bounded here: {', '.join(self._disks)}" if self._disks else ""
            raise cannot(
                self._name, f"a full disk at {path}", f"give it a volume of bounded size (docs/faults.md){listed}"
            )

    def leave_networks(self) -> None:
        raise cannot(self._name, "a network partition", "run with --stack docker")

    def join_networks(self) -> None: ...

    def break_dns(self) -> None:
        raise cannot(self._name, "a DNS failure", "run with --stack docker")

    def mend_dns(self) -> None: ...

    def lose_data(self) -> None:
        launch = self._record()
        data = data_folder(launch)
        if data is None:
            raise cannot(
                self._name, "a loss of data", "of processes only PostgreSQL's is known; run with --stack docker"
            )
        if self.alive() or not empty_folder(data):
            raise StartError(f"the data of {self._name} in {data} could not be removed")

    def leave_junk(self, path: str, name: str, free_bytes: int) -> None:
        self._bounded(path)
        leave_free(Path(self._disks[path]), free_bytes, self._name, name)

    def deploy(self, variables: Mapping[str, str]) -> None:
        if self._hands is None:
            raise cannot(self._name, "a deploy", "it is not of a stack that was started here")
        self._hands().deploy(self._name, variables, wait=False)

    def run_sql(self, statement: str, hold: bool) -> None:
        if self._hands is None:
            raise cannot(self._name, "SQL", "it is not of a stack that was started here")
        run_sql(self._record(), self._hands().environment(self._name), statement, hold)

    def _record(self) -> Launch:
        found = launches.read(self._launch) if self._launch else None
        if found is None:
            raise StartError(f"{self._name} cannot be changed: its stack is gone")
        return found

    def let_go(self) -> None:
        self._cpu.run(False)
        self._memory.run(False)
        self._still.forget()

    def _squeeze_cpu(self, stopped: threading.Event) -> None:
        """Stop and continue it, so that over each moment it uses no more than its share."""
        owed_s, before, looked_at = 0.0, time.monotonic(), float("-inf")
        members = process_tree.pids(self.process)
        used_s = process_tree.cpu_s(members)
        holding = False
        while not stopped.wait(TICK_S):
            now, total_s = time.monotonic(), process_tree.cpu_s(members)
            owed_s = max(0.0, owed_s + max(0.0, total_s - used_s) - self._cores * (now - before))
            used_s, before = total_s, now
            look = now - looked_at > LOOK_FOR_CHILDREN_S
            if look:
                looked_at, known, members = now, set(members), process_tree.pids(self.process)
                used_s = process_tree.cpu_s([pid for pid in members if pid in known])  # of the new ones all counts
            if owed_s > 0 and (look or not holding):
                self._still.hold("cpu")
            elif owed_s <= 0 and holding:
                self._still.let_go("cpu")
            holding = owed_s > 0

    def _squeeze_memory(self, stopped: threading.Event) -> None:
        """What holds more than it may is killed, as the kernel does it to a container without swap."""
        while not stopped.is_set():
            if process_tree.resident_bytes(self.process) > self._limit_bytes:
                self.kill()
            stopped.wait(MEMORY_TICK_S)


class _Stillness:
    """Holds a process still while there is any reason to, whoever gives it."""

    def __init__(self, process: Callable[[], ProcessId]) -> None:
        self._process = process
        self._reasons: set[str] = set()
        self._lock = threading.Lock()

    def hold(self, reason: str) -> None:
        """Each time anew, since it may have been started or have forked since."""
        with self._lock:
            self._reasons.add(reason)
            process_tree.send(self._process(), signal.SIGSTOP)

    def let_go(self, reason: str) -> None:
        """It goes on when this was the last reason."""
        with self._lock:
            if reason in self._reasons:
                self._reasons.remove(reason)
                if not self._reasons:
                    process_tree.send(self._process(), signal.SIGCONT)

    def forget(self) -> None:
        with self._lock:
            self._reasons.clear()


class _Watch:
    """A thread that goes on while it is wanted, and has ended when it is not any more."""

    def __init__(self, watch: Callable[[threading.Event], None]) -> None:
        self._watch = watch
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self, wanted: bool) -> None:
        if wanted and self._thread is None:
            self._stopped = threading.Event()
            self._thread = threading.Thread(target=self._watch, args=(self._stopped,), name="squeeze", daemon=True)
            self._thread.start()
        elif not wanted and self._thread is not None:
            self._stopped.set()
            self._thread.join(5.0)
            self._thread = None
