"""The guardian: heals the stack when the harness that breaks it dies, and takes down what that harness started.

`python -m harness.guard STATE` holds nothing but the path of a `stack.json` and a pipe to the harness. While the pipe
is open and `alive` comes through it, it does nothing. The word `release` ends it; the pipe's end without that word is
the harness's death. A harness that has said `alive` and falls silent hangs: then it heals, and takes nothing down;
`STATE patient` does not, since what recovers a drill is its runbook, or nobody.
It runs in a session of its own and takes no notice of a terminal's signals, so that Ctrl-C cannot reach it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

from harness.errors import HarnessError, StartError
from harness.stack import state as states
from harness.stack.child import Child, ProcessId, last_lines, start
from harness.stack.heal import heal, take_down
from harness.stack.state import StackState
from harness.waiting import wait_until

READY_WITHIN_S = 20.0
SILENCE_S = 10.0
"""Far longer than anything that the harness does between two words while a fault is in."""
PATIENT = "patient"


class Guardian:
    """The harness's side of it."""

    def __init__(self, state_path: Path, log: Path, *, patient: bool = False) -> None:
        """`patient`: what is broken stays so for as long as the harness lives."""
        command = [sys.executable, "-P", "-m", "harness.guard", str(state_path)]  # -P: here is not ours
        command += [PATIENT] if patient else []
        self._child: Child = start("guardian", command, log, pipes=True, stop_signal=signal.SIGKILL)

    @property
    def id(self) -> ProcessId:
        return self._child.id

    def wait_ready(self) -> None:
        """Returns when it is on guard: before the first fault, and before the stack that it must take down."""
        ready, _, _ = select.select([self._child.stdout], [], [], READY_WITHIN_S)
        if not ready or not self._child.stdout.readline():
            raise StartError(f"the guardian did not come on guard:\n{last_lines(self._child.log)}")

    def alive(self) -> None:
        """Say that the harness goes on. Raises StartError when the guardian does not: nobody would heal after us."""
        try:
            self._child.stdin.write(b"alive\n")
            self._child.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise StartError("the guardian died, and nothing is broken without one; see logs/guardian.log") from error

    def release(self) -> None:
        """All is whole: it may go."""
        try:
            self._child.stdin.write(b"release\n")
            self._child.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # it is gone already
        wait_until(lambda: self._child.ended() is not None, 2.0)
        self._child.end(1.0)


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    path, is_patient = Path(sys.argv[1]), PATIENT in sys.argv[2:]
    print("on guard", flush=True)
    silence_s: float | None = None
    while True:
        ready, _, _ = select.select([0], [], [], silence_s)
        if not ready:
            print(f"the harness has been silent for {SILENCE_S:g} s", file=sys.stderr, flush=True)
            _heal(path)
            silence_s = None
            continue
        words = os.read(0, 65536)
        if b"release" in words:
            return 0
        if not words:
            break
        silence_s = None if is_patient else SILENCE_S
    print("the harness died", file=sys.stderr, flush=True)
    state = _heal(path)
    left = take_down(state) if state is not None else ()
    if left:
        print(f"still running: {', '.join(left)}", file=sys.stderr, flush=True)
    return 0


def _heal(path: Path) -> StackState | None:
    """Heal what is described at `path`, and say what was found; None where there is nothing yet."""
    try:
        state = states.read(path)
    except HarnessError as error:
        print(f"there is nothing to heal: {error}", file=sys.stderr, flush=True)
        return None
    report = heal(state)
    for sentence in report.mended:
        print(f"mended: {sentence}", file=sys.stderr, flush=True)
    for sentence in report.broken:
        print(f"still broken: {sentence}", file=sys.stderr, flush=True)
    return state


if __name__ == "__main__":
    sys.exit(main())
