"""The warden: ends a scratch server and takes its folder away when the harness that made it dies, kill -9 included.

`python -I -S warden.py FOLDER...` holds a pipe to the harness. Its end without the word `release` is the harness's
death: then the server below FOLDER, and whatever else has FOLDER in its command line, is ended and the folders are
removed. It stands on the standard library alone, so that it is on guard in a few hundredths of a second.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

ENDS_WITHIN_S = 8.0


def ours(folder: str, but: tuple[int, ...] = ()) -> list[int]:
    """Processes that name the folder in their command line, ourselves and `but` left out. Any user may read those."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) not in (os.getpid(), *but):
            with contextlib.suppress(OSError):
                if os.fsencode(folder) in Path(f"/proc/{entry}/cmdline").read_bytes():
                    found.append(int(entry))
    return found


def end(folder: str, but: tuple[int, ...] = ()) -> None:
    """End all that works in the folder: at once, then with force."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    sent = signal.SIGQUIT
    while left := ours(folder, but):
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, sent)
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)
        if time.monotonic() > deadline - ENDS_WITHIN_S / 2:
            sent = signal.SIGKILL


def remove(folder: str) -> None:
    """Take the folder away; what is still being written in it makes it tried again."""
    for _ in range(40):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.05)


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folders = sys.argv[1:]
    os.chdir("/")
    print("on guard", flush=True)
    while words := os.read(0, 65536):
        if b"release" in words:
            return 0
    for folder in folders:
        end(folder)
    for folder in folders:
        remove(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
