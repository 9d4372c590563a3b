"""Puts the tap and the outpost back when Toxiproxy was started anew: they were in the network namespace of the old."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from docker.errors import NotFound

from harness.errors import HarnessError, OutpostError
from harness.outpost.client import OutpostClient
from harness.record import HealReport
from harness.stack.docker.engine import Engine
from harness.stack.own import OUTPOST, TAP
from harness.stack.state import StackState
from harness.stack.taps import answers, give_links
from harness.tap.client import TapClient
from harness.waiting import wait_until

ANSWER_WITHIN_S = 10.0


def reach_tools(state: StackState) -> HealReport:
    """Start them anew where they are not reached any more, and give the tap its links. Never raises.

    Toxiproxy's proxies must be where they belong: one that came back by its configuration listens where the tap does.
    """
    try:
        with _alone(state):
            if _reached(state):
                return HealReport()
            engine = Engine.connect()
            for container in [one.container for one in state.services if one.name in (TAP, OUTPOST)]:
                if container is not None:
                    engine.stop(container.id, 1)
                    engine.start(container.id)
            if not wait_until(lambda: _reached(state), ANSWER_WITHIN_S):
                return HealReport(broken=("the harness's own containers are not reached in Toxiproxy's namespace",))
            if state.tap:
                give_links(state)
    except NotFound as error:
        return HealReport(broken=(f"a container of the harness's own is gone: {error.explanation}",))
    except HarnessError as error:
        return HealReport(broken=(str(error),))
    return HealReport(mended=("the harness's own containers were cut off with the Toxiproxy that had ended",))


def _reached(state: StackState) -> bool:
    if state.tap and not answers(TapClient(state.tap)):
        return False
    if state.outpost:
        try:
            OutpostClient(state.outpost).now_ns()
        except OutpostError:
            return False
    return True


@contextlib.contextmanager
def _alone(state: StackState) -> Iterator[None]:
    """Of several who heal at once the others wait, and find that it is done."""
    if not state.notes:
        yield
        return
    Path(state.notes).mkdir(exist_ok=True)
    lock = os.open(Path(state.notes) / "tools.lock", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
