"""Runs PostgreSQL's programs, as `nobody` where we are root: what a backup holds is not to be trusted."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.stack.postgres import Account, account

STEP_S = 0.5
NO_SPACE = "No space left on device"
LACKS = re.compile(
    r"ICU is not supported in this build|could not create locale|invalid locale name|could not load library"
    r"|could not access file \"\$libdir|does not support compression|compression method \w+ not supported"
    r"|must be loaded via \"?shared_preload_libraries|could not connect to server \""
    r"|security label provider \".*\" is not loaded"
    r"|not supported by build|was initialized with (?:\w*BLCKSZ|RELSEG_SIZE|NAMEDATALEN|LOBLKSIZE)"
)
"""What a PostgreSQL says of itself: it is built or started without what the data needs, or a foreign server is not to
be reached; and the data may be well."""


class OutOfTime(Exception):
    """The time that was given for all of it is over."""


class NotJudged(Exception):
    """What stands in the way of judging a backup is not the backup. Its text is the sentence."""


class Bad(Exception):
    """The backup is wrong, and nothing can be looked at after that. Holds the detector and the sentence."""

    def __init__(self, detector: str, sentence: str) -> None:
        super().__init__(sentence)
        self.detector = detector


class Deadline:
    """One time for many steps, which may also be called off."""

    def __init__(self, within_s: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        self.within_s, self._end, self.cancelled = within_s, time.monotonic() + within_s, cancelled

    def left_s(self) -> float:
        """Raises OutOfTime when nothing is left."""
        left = self._end - time.monotonic()
        if left <= 0 or self.cancelled():
            raise OutOfTime
        return left

    def step_s(self) -> float:
        """How long to wait before it is to be asked again."""
        return min(self.left_s(), STEP_S)


@dataclass(frozen=True, slots=True)
class Done:
    """A program that ended: its exit code, and what it said."""

    code: int
    out: str
    err: str

    @property
    def first_error(self) -> str:
        """The first line of stderr that says something, "" where it was silent."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        loud = [one for one in lines if "error:" in one.lower() or "fatal:" in one.lower()]
        return (loud or lines or [""])[0]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, without what would lead PostgreSQL's programs to another server, and in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "PGTZ": "UTC", "PGAPPNAME": "harness", **(extra or {})}


def begin(
    command: Sequence[str | Path],
    *,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    stdout: IO[bytes] | int = subprocess.PIPE,
    stderr: IO[bytes] | int = subprocess.PIPE,
    extra: Mapping[str, str] | None = None,
    who: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, as `who`, else as `nobody` where we are root."""
    who = account() if who is None else who
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd="/",
        env=environment(extra),
        user=who.uid,
        group=who.gid,
        extra_groups=[] if who.uid is not None else None,
        start_new_session=True,
    )


def stop(popen: subprocess.Popen[bytes]) -> None:
    """End it with force, and all of its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        popen.wait(5.0)


def run(
    command: Sequence[str | Path],
    deadline: Deadline,
    *,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    given: bytes | None = None,
    stdout: IO[bytes] | int = subprocess.PIPE,
    extra: Mapping[str, str] | None = None,
    who: Account | None = None,
) -> Done:
    """Run a program to its end. Raises OutOfTime, and NotJudged where it cannot start."""
    if given is not None:  # a file: Popen.communicate forgets the rest of its input when it is asked again
        with tempfile.TemporaryFile() as file:
            file.write(given)
            file.seek(0)
            return run(command, deadline, stdin=file, stdout=stdout, extra=extra, who=who)
    try:
        popen = begin(command, stdin=stdin, stdout=stdout, extra=extra, who=who)
    except OSError as error:
        raise NotJudged(f"{command[0]} cannot be started: {error.strerror or error}") from error
    try:
        out, err = _communicate(popen, deadline)
    finally:
        if popen.poll() is None:
            stop(popen)
    return Done(popen.returncode, (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace"))


def _communicate(popen: subprocess.Popen[bytes], deadline: Deadline) -> tuple[bytes, bytes]:
    while True:
        try:
            return popen.communicate(timeout=deadline.step_s())
        except subprocess.TimeoutExpired:
            continue
