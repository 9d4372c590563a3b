"""How a command in a container is ended."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

from harness.stack.docker.execution import Execution
from harness.waiting import wait_until

UNDOES = 'trap "echo undone > undone; exit 1" TERM; echo > ready; while :; do sleep 0.05; done'
DEAF = 'trap "" TERM; echo > ready; while :; do sleep 0.05; done'


def _killed(folder: Path, script: str) -> int:
    process = subprocess.Popen(["sh", "-c", script], cwd=folder)
    assert wait_until((folder / "ready").exists, 10)
    api = SimpleNamespace(exec_inspect=lambda key: {"Pid": process.pid})
    Execution(api, "key").kill()  # type: ignore[arg-type]
    return process.wait(5)


def test_it_is_asked_first_so_that_it_can_undo_what_it_began(tmp_path: Path) -> None:
    """A step that opened a door shuts it at its time-out."""
    assert _killed(tmp_path, UNDOES) == 1
    assert (tmp_path / "undone").exists()


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """And nobody waits for it for longer than the step that is ended."""
    assert _killed(tmp_path, DEAF) == -9
