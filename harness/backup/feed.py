"""Feeds SQL to psql, line by line, out of a plain or compressed dump."""

from __future__ import annotations

import contextlib
import gzip
import re
import secrets
import subprocess
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.backup.programs import version_of
from harness.backup.running import STEP_S, Bad, Deadline, Done, NotJudged, OutOfTime, begin, stop
from harness.backup.scratch import Scratch, connection
from harness.backup.sql_text import Script


def lines_of(path: Path, compression: str) -> Iterator[bytes]:
    """The lines of a dump. A compressed one must be whole: raises Bad("restore") where it is not."""
    if compression == "gzip":
        try:
            with gzip.open(path) as file:
                yield from file
        except (OSError, EOFError, zlib.error) as error:
            raise Bad("restore", f"{path.name} cannot be unpacked to its end: {error}") from error
    elif compression == "zstd":
        yield from _unpacked(path)
    else:
        with path.open("rb") as file:
            yield from file


def _unpacked(path: Path) -> Iterator[bytes]:
    try:
        popen = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise NotJudged(f"{path.name} is compressed with zstd, and there is no program zstd: install it") from error
    with popen:
        assert popen.stdout is not None
        assert popen.stderr is not None
        try:
            yield from popen.stdout
            said = popen.stderr.read().decode(errors="replace").strip()
        finally:
            popen.kill() if popen.poll() is None and popen.stdout.peek(1) else None  # type: ignore[attr-defined]
    if popen.returncode != 0:
        raise Bad("restore", f"{path.name} cannot be unpacked to its end: {said or popen.returncode}")


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
            extra={"PGOPTIONS": "-c client_min_messages=error"},
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
