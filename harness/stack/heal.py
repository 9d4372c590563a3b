"""The one heal: makes a stack equal to its pristine state, reads it back, and says what it found.

Level-triggered: it looks at what is, not at what was done, so it can be called any number of times, by the runner, by
the guardian when the runner died, and by `harness heal`. Services come first: Toxiproxy is one of them.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path

from harness.errors import HarnessError
from harness.masking import mask_files
from harness.record import HealReport
from harness.stack import launch as launches
from harness.stack.ballast import empty
from harness.stack.process_powers import held_still, send
from harness.stack.proxies import heal_proxies
from harness.stack.state import RunningService, StackState
from harness.waiting import wait_until

REMOVED_WITHIN_S = 3.0


def heal(state: StackState) -> HealReport:
    """Put services and proxies back. Never raises: what could not be mended is in the report's `broken`."""
    mended: list[str] = []
    broken: list[str] = []
    if any(one.container for one in state.services):
        from harness.stack.docker.heal import heal_containers  # the Docker SDK, where there is a container

        report = heal_containers(state)
        mended += report.mended
        broken += report.broken
    for one in state.services:
        if one.launch:
            try:
                mended += _heal_process(one)
            except HarnessError as error:
                broken.append(str(error))
    report = heal_proxies(state)
    return HealReport((*mended, *report.mended), (*broken, *report.broken))


def _heal_process(service: RunningService) -> list[str]:
    """What was out of place, and is not any more. Raises HarnessError when it does not start again."""
    launch = launches.read(service.launch)
    if launch is None or launch.process is None:
        return []
    found = [f"{service.name}: its disk was full" for folder in service.disks.values() if empty(Path(folder))]
    if not launch.process.alive():
        launch.again()
        found.append(f"{service.name}: its process had ended")
    elif held_still(launch.process):
        send(launch.process, signal.SIGCONT)
        found.append(f"{service.name}: its process was held still")
    return found


def take_down(state: StackState) -> tuple[str, ...]:
    """End what the harness started, last first, and remove its folders; the names of what is left."""
    again = [launches.read(one.launch) for one in state.services if one.launch and state.owned]
    processes = {one.pid: one for one in (*state.owned, *(one.process for one in again if one and one.process))}
    for process in reversed(processes.values()):
        process.ask_to_stop()  # all at once: each takes its time, and none waits for another's
    left = [process.name for process in reversed(processes.values()) if not process.end()]
    if state.project:
        from harness.stack.docker.removal import remove_project

        left += remove_project(state)
    mask_files(state.folders, [one.log for one in state.services])
    for folder in state.folders:
        if not wait_until(partial(_remove, Path(folder)), REMOVED_WITHIN_S):
            left.append(folder)
    return tuple(left)


def _remove(folder: Path) -> bool:
    """Remove it; False while something is left, as when a tool that was cut off still writes its last."""
    for disk in folder.glob("disk-*"):
        if disk.is_mount():
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(["umount", disk], capture_output=True, timeout=5)
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
