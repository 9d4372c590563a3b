"""Feeds SQL to psql, line by line."""

from __future__ import annotations

import contextlib
import re
import secrets
import subprocess
import threading
from collections.abc import Iterable

from harness.backup.programs import version_of
from harness.backup.running import STEP_S, Deadline, Done, OutOfTime, begin, stop
from harness.backup.scratch import Scratch, connection
from harness.backup.sql_text import Script


def takes_restrict(version: str) -> bool:
    """Whether the psql of that version has the command \\restrict, which came with updates of all versions."""
    numbers = [int(one) for one in re.findall(r"\d+", version)[:2]]
    since = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}
    return bool(numbers) and (numbers[0] > 17 or numbers[-1] >= since.get(numbers[0], 1000))


def _watch(popen: subprocess.Popen[bytes], deadline: Deadline, over: threading.Event) -> None:
    """End psql when the time is over: writing to it would wait for ever."""
    while not over.wait(STEP_S):
        try:
            deadline.left_s()
        except OutOfTime:
            stop(popen)
            return


def feed(scratch: Scratch, database: str, script: Script, lines: Iterable[bytes], deadline: Deadline) -> Done:
    """Give it all to psql, which stops at the first error. Raises OutOfTime, and Bad where the dump cannot be read."""
    guard = secrets.token_hex(16)
    shut_by = guard if takes_restrict(version_of(scratch.bin)) else ""
    where = (*scratch.where, "-d", connection(database))
    said_to = scratch.folder / f"psql-{guard[:8]}.log"
    with said_to.open("w+b") as said:
        popen = begin(
            [scratch.bin / "psql", "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", *where],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            extra=scratch.unhindered,
        )
        over = threading.Event()
        threading.Thread(target=_watch, args=(popen, deadline, over), daemon=True).start()
        try:
            assert popen.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                for line in script.pass_on(lines, shut_by):
                    popen.stdin.write(line)
                popen.stdin.close()
            popen.wait()
        finally:
            over.set()
            with contextlib.suppress(BrokenPipeError):
                popen.stdin.close() if popen.stdin is not None else None
            if popen.poll() is None:
                stop(popen)
        deadline.left_s()
        said.seek(0)
        text = said.read(1 << 20).decode(errors="replace")
    return Done(popen.returncode, "", text)
