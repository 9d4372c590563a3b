"""The one heal: makes a stack equal to its pristine state, reads it back, and says what it found.

Level-triggered: it looks at what is, not at what was done, so it can be called any number of times, by the runner, by
the guardian when the runner died, and by `harness heal`. Services come first: Toxiproxy is one of them.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from harness.errors import HarnessError, HealIncomplete
from harness.masking import mask_files
from harness.record import HealReport
from harness.stack import launch as launches
from harness.stack import process_tree
from harness.stack.ballast import empty
from harness.stack.launch import Launch
from harness.stack.own import OUTPOST, TAP
from harness.stack.proxies import heal_proxies
from harness.stack.state import RunningService, StackState
from harness.stack.taps import heal_taps
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
        launch = launches.read(one.launch) if one.launch else None
        if launch is not None:
            found, left = _heal_process(one, launch, state.ending_note(one.name))
            mended += [f"{one.name}: {sentence}" for sentence in found if sentence not in left]
            broken += [f"{one.name}: {sentence}" for sentence in left]
    for heal_them in (heal_proxies, _reach_tools, heal_taps):
        report = heal_them(state, patiently=bool(mended))
        mended += report.mended
        broken += report.broken
    return HealReport(tuple(mended), tuple(broken))


def _reach_tools(state: StackState, *, patiently: bool) -> HealReport:
    if not any(one.container for one in state.services if one.name in (TAP, OUTPOST)):
        return HealReport()
    from harness.stack.docker.tools_heal import reach_tools  # the Docker SDK, where there is a container

    return reach_tools(state)


def _heal_process(service: RunningService, launch: Launch, ending: Path | None) -> tuple[list[str], list[str]]:
    """(what was out of place, what is so still), in words."""
    found = ["its disk was full" for folder in service.disks.values() if empty(Path(folder))]
    if ending is not None and ending.exists():
        _end_at_once(launch)
        ending.unlink(missing_ok=True)
    wrong = list(_differences(service, launch))
    trouble: list[str] = []
    if wrong and launch.process is not None:
        try:
            if launch.process.alive():
                process_tree.send(launch.process, signal.SIGCONT)
            else:
                launch.again()
        except HarnessError as error:
            trouble = [str(error)]
    now = launches.read(service.launch) or launch
    left = [*_differences(service, now), *trouble] if wrong else []
    return [*found, *wrong], left


def _differences(service: RunningService, launch: Launch) -> Iterator[str]:
    if launch.process is None:
        return
    if not launch.process.alive():
        if service.running:
            yield "its process had ended"
    elif not service.held and process_tree.held_still(launch.process):
        yield "its process was held still"


def _end_at_once(launch: Launch) -> None:
    if launch.process is not None:
        process_tree.kill(launch.process)


def take_down(state: StackState) -> tuple[str, ...]:
    """End what the harness started, last first, and remove its folders; the names of what is left."""
    ours = {process.pid for process in state.owned}  # of a stack that was only attached to, no service is
    again = [launches.read(one.launch) for one in state.services if one.launch and one.pid in ours]
    processes = {one.pid: one for one in (*state.owned, *(one.process for one in again if one and one.process))}
    for process in reversed(processes.values()):
        process_tree.send(process, signal.SIGCONT)  # what is held still would hear of its end too late
        process.ask_to_stop()  # all at once: each takes its time, and none waits for another's
    left = [process.name for process in reversed(processes.values()) if not process.end()]
    left += [one.name for folder in state.folders for one in launches.stragglers(folder) if not one.end()]
    if state.project:
        from harness.stack.docker.removal import remove_project

        left += remove_project(state)
    mask_files(state.folders, [one.log for one in state.services])
    for folder in state.folders:
        if not wait_until(partial(_remove, Path(folder)), REMOVED_WITHIN_S):
            left.append(folder)
    return tuple(left)


def take_down_whole(state: StackState, error: BaseException | None = None) -> None:
    """Take it down. Raises HealIncomplete where something is left, after what went wrong before."""
    if left := take_down(state):
        raise HealIncomplete("\n".join(filter(None, (str(error or ""), left_over(left))))) from error


def left_over(names: tuple[str, ...]) -> str:
    """What take_down could not end, in a sentence."""
    return f"could not take down: {'; '.join(names)}; end it by hand"


def _remove(folder: Path) -> bool:
    """Remove it; False while something is left, as when a tool that was cut off still writes its last."""
    for disk in folder.glob("disk-*"):
        if disk.is_mount():
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(["umount", disk], capture_output=True, timeout=5)
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
