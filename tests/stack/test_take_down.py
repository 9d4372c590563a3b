"""What a stack's end ends."""

from __future__ import annotations

from pathlib import Path

from harness.stack.heal import take_down
from harness.stack.launch import record
from harness.stack.state import StackState
from harness.waiting import wait_until


def test_a_process_that_is_in_no_state_yet_is_ended_too(tmp_path: Path) -> None:
    """The harness may be killed between the start of a process and the writing of it."""
    folder = tmp_path / "harness-stack-x"
    folder.mkdir()
    child = record(folder, "payments", ["sleep", "60"], tmp_path / "payments.log").begin()
    (folder / "launch-payments.json").unlink()
    try:
        assert take_down(StackState(kind="embedded", folders=(str(folder),))) == ()
        assert wait_until(lambda: child.ended() is not None, 3)
        assert not folder.exists()
    finally:
        child.end()
