"""Starts a program where there is no network: what a backup holds may call home as soon as it is restored."""

from __future__ import annotations

import functools
import shutil
import subprocess

from harness.stack.postgres import Account


@functools.cache
def prefix(who: Account) -> tuple[str, ...]:
    """What to put before a command, that then runs as `who` in a network of its own that leads nowhere; () where this
    machine allows none. A Unix socket is reached as before. Started by root, the command is to be started as root."""
    unshare, setpriv = shutil.which("unshare"), shutil.which("setpriv")
    if unshare is None or (who.uid is not None and setpriv is None):
        return ()
    if who.uid is None:
        words: tuple[str, ...] = (unshare, "--user", "--map-current-user", "--net", "--")
    else:
        become = (f"--reuid={who.uid}", f"--regid={who.gid}", "--clear-groups", "--no-new-privs", "--")
        words = (unshare, "--net", "--", str(setpriv), *become)
    try:
        done = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return words if done.returncode == 0 else ()
