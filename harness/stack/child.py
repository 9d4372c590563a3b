"""A process of ours: started in a session of its own, logged to a file, ended as a whole group and by its id only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from harness.errors import StartError
from harness.waiting import wait_until

LOG_LINES = 12


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that can be recognised again: its id, and when it started, since ids are used anew.

    `started` is in ticks since the machine's boot, which no step of the clock moves.
    """

    name: str
    pid: int
    started: int
    stop_signal: int = signal.SIGTERM

    def alive(self) -> bool:
        try:
            started, state = _started_and_state(self.pid)
        except OSError:
            return False
        return started == self.started and state != "Z"

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the group that it leads (each of our processes leads one)."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def ask_to_stop(self) -> None:
        """Send its stop signal, and wait for nothing."""
        if self.alive():
            self.signal_group(signal.Signals(self.stop_signal))

    def end(self, within_s: float = 3.0) -> bool:
        """End the whole group: its stop signal, then SIGKILL after `within_s`. True when nothing of it is left."""
        if group_members(self.pid) and (self.alive() or not psutil.pid_exists(self.pid)):
            self.signal_group(signal.Signals(self.stop_signal))
            if not wait_until(self._gone, within_s):
                self.signal_group(signal.SIGKILL)
                wait_until(self._gone, 2.0)
        return not self.alive()

    def _gone(self) -> bool:
        _reap(self.pid)
        return not group_members(self.pid)


def _started_and_state(pid: int) -> tuple[int, str]:
    """Fields 22 and 3 of /proc/PID/stat. Raises OSError for a process that is not there."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return int(fields[19]), fields[0]


def identify(name: str, pid: int, stop_signal: int = signal.SIGTERM) -> ProcessId | None:
    """A process that somebody else started; None when it is not there, or not to be seen from here."""
    try:
        started, _ = _started_and_state(pid)
    except OSError:
        return None
    return ProcessId(name, pid, started, stop_signal)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError, OSError):
        os.waitpid(pid, os.WNOHANG)


def group_members(group: int) -> list[int]:
    """The living processes of a process group, zombies left out."""
    members = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                members.append(pid)
    return members


class Child:
    """One running process, until it is ended."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path, stop_signal: int) -> None:
        self.name, self.popen, self.log = name, popen, log
        try:
            started, _ = _started_and_state(popen.pid)
        except OSError:
            started = 0
        self.id = ProcessId(name, popen.pid, started, stop_signal)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def stdin(self) -> IO[bytes]:
        assert self.popen.stdin is not None
        return self.popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self.popen.stdout is not None
        return self.popen.stdout

    def ended(self) -> str | None:
        """How it ended ("exit code 1", "signal 9"), or None while it lives."""
        code = self.popen.poll()
        if code is None:
            return None
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def end(self, within_s: float = 3.0) -> None:
        """Its stop signal, then SIGKILL to its whole group after `within_s`."""
        self._close(self.popen.stdin)
        if self.popen.poll() is None:
            self.popen.send_signal(self.id.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(within_s)
        self.id.signal_group(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(2.0)
        self._close(self.popen.stdout)  # last: a thread that reads it holds it until the process is gone

    @staticmethod
    def _close(pipe: IO[bytes] | None) -> None:
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def start(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user: int | None = None,
    group: int | None = None,
    pipes: bool = False,
    stop_signal: int = signal.SIGTERM,
) -> Child:
    """Start a process. Its stderr (and stdout, unless `pipes`) goes to `log`. Raises StartError when it cannot."""
    try:
        with log.open("ab") as out:
            popen = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else out,
                stderr=out,
                env=dict(environment) if environment is not None else None,
                cwd=folder,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )
    except OSError as error:
        raise StartError(f"{name} could not start: {' '.join(map(str, command))}: {error.strerror or error}") from error
    return Child(name, popen, log, stop_signal)


def last_lines(log: Path, count: int = LOG_LINES) -> str:
    """The end of a log, indented, for an error message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines) or "    (its log is empty)"
