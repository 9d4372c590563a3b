"""Runs one command by sh, to its end or its time-out, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.stack.child import Child, ProcessId, identify, start
from harness.waiting import wait_until

STEP_VARIABLE = "RESILIENCE_HARNESS_STEP"
"""In the environment of all that a step starts, by which what left its process group is found. What a stack starts
does not bear it (launch.py): a service that a step started is the stack's, and goes on."""
READ_BYTES = 1 << 20
ASKED_TO_END_S = 2.0


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended. `exit_code` is None where it was ended: at its time-out, or called off. `output` is what it
    wrote to stdout and stderr, as it came, its last MiB; `left` names what could not be ended."""

    exit_code: int | None
    output: str
    timed_out: bool = False
    left: tuple[str, ...] = ()


def run(
    name: str,
    command: str,
    environment: Mapping[str, str],
    folder: Path,
    timeout_s: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> Done:
    """`sh -eu -c command` in that folder, with no stdin. Raises StartError where there is no sh."""
    token = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="harness-step-") as private:
        log = Path(private) / "output"
        given = {**environment, STEP_VARIABLE: token}
        child = start(name, ["sh", "-eu", "-c", command], log, environment=given, folder=folder)
        try:
            ended = wait_until(lambda: child.ended() is not None, timeout_s, cancelled=cancelled)
        finally:
            left = _end(child, token)
        code = child.popen.returncode if ended else None
        if code is not None and code < 0:
            code = 128 - code  # as sh tells of a signal
        return Done(code, _tail(log), not ended and not cancelled(), left)


def _end(child: Child, token: str) -> tuple[str, ...]:
    """End all of it: asked first, so that it can undo what it began; then killed."""
    if child.ended() is None:
        child.id.signal_group(signal.SIGTERM)
        wait_until(lambda: child.ended() is not None, ASKED_TO_END_S)
    child.end(0.0)
    for one in _bearing(token):
        one.end(ASKED_TO_END_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if one.alive():
                os.kill(one.pid, signal.SIGKILL)
    left: list[ProcessId] = []

    def gone() -> bool:
        left[:] = _bearing(token)
        return not left

    wait_until(gone, ASKED_TO_END_S)
    return tuple(one.name for one in left)


def _bearing(token: str) -> list[ProcessId]:
    wanted = f"{STEP_VARIABLE}={token}".encode()
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(identify(f"process {pid}", pid))
    return [one for one in found if one is not None and one.alive()]


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - READ_BYTES))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
