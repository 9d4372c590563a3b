"""Where a run gets its stack from: started for it alone, kept running between runs, or none but a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.errors import HarnessError, HealIncomplete, StartError
from harness.guard import Guardian
from harness.interrupts import Interrupts
from harness.masking import mask_urls
from harness.stack import processes
from harness.stack import state as states
from harness.stack.found import as_found
from harness.stack.heal import left_over, take_down
from harness.stack.hold import Hold
from harness.stack.running import RunningStack
from harness.stack.spec import StackSpec
from harness.stack.state import StackState
from harness.stack.whereabouts import is_alive

if TYPE_CHECKING:
    from harness.runner import Opener  # not at run time: it brings pandas

STACKS = ("embedded", "docker")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def kept_path(spec: StackSpec) -> Path:
    """Where the state of a project's kept stack is, beside its Compose file."""
    return spec.path.absolute().parent / ".harness" / "stack.json"


def kept_kind(compose_file: Path) -> str:
    """What the stack runs on that is kept beside a Compose file; "" where there is none."""
    path = compose_file.absolute().parent / ".harness" / "stack.json"
    try:
        state = states.read(path)
        return state.kind if _alive(state) else ""
    except HarnessError:
        return ""


def kept(spec: StackSpec) -> StackState | None:
    """The stack that `harness stack up` keeps, or None. Raises StartError when only parts of it still run."""
    path = kept_path(spec)
    if not path.is_file():
        return None
    state = states.read(path)
    alive = _alive(state)
    if not alive:
        return None  # the machine was started anew since: nothing of it is left
    if state.toxiproxy not in alive:
        raise StartError(
            f"the kept stack has lost its Toxiproxy (still running: {', '.join(alive)}); "
            "mend it with `harness heal`, or take it down with `harness stack down`"
        )
    return state


def _alive(state: StackState) -> list[str]:
    """The services that run."""
    return [one.name for one in state.services if is_alive(one)]


def opener(spec: StackSpec, kind: str, say: Callable[[str], None], needed: Mapping[str, str] | None = None) -> Opener:
    """The kept stack where there is one, else one of the run's own. Raises HarnessError where the kept one is another,
    or lacks the variables that are `needed`, or no engine answers."""
    state = kept(spec)
    if state is not None and state.kind != kind:
        raise StartError(
            f"the stack that is kept here is {state.kind}, not {kind}; take it down first (harness stack down), or "
            "leave out --stack"
        )
    if state is None:
        return own_opener(spec, kind, say)
    for name in needed or ():
        now, then = spec.variables.get(name, ""), state.variables.get(name, "")
        if now != then:
            raise StartError(
                f"this scenario needs {name}={now!r}, and the kept stack was started with {then!r}; take it down first "
                "(harness stack down), or start it so"
            )
    _warn_of_other_variables(spec.variables, state.variables, say)
    return lambda folder, cancelled: _attach(state, Hold(kept_path(spec).parent), say)


def own_opener(spec: StackSpec, kind: str, say: Callable[[str], None]) -> Opener:
    """A stack of the run's own, whatever is kept here. Raises EngineError where no engine answers."""
    if kind == "docker":
        _engine_answers()
    return lambda folder, cancelled: _start(spec, kind, folder.stack, folder.logs, cancelled, say)


def _engine_answers() -> None:
    """Raises EngineError where there is none: before a run folder is made, and anything started."""
    from harness.stack.docker.engine import Engine  # the Docker SDK, where it is asked for

    Engine.connect()


def _start(
    spec: StackSpec, kind: str, state: Path, logs: Path, cancelled: Callable[[], bool], say: Callable[[str], None]
) -> RunningStack:
    if kind == "embedded":
        return processes.start_stack(spec, state, logs, cancelled, say)
    from harness.stack.docker.start import start_stack  # the Docker SDK, where it is asked for

    return start_stack(spec, state, logs, cancelled, say)


def host_opener(host: str, allowed: str | None) -> Opener:
    """No stack: load goes to a host, on the loopback unless it was allowed by name. Raises HarnessError."""
    try:
        parts = urlsplit(host)
        name, _ = parts.hostname, parts.port
    except ValueError:
        name = None
    if not name or parts.scheme not in ("http", "https"):
        raise HarnessError(f"--host must be an address such as http://127.0.0.1:8000; given {mask_urls(host)!r}")
    if name not in LOOPBACK and name != allowed:
        raise HarnessError(
            f"{name} is not this machine; load on somebody's server needs their leave; "
            f"if you have it, say so with --allow-host {name}"
        )
    return lambda folder, cancelled: RunningStack(StackState(kind="none", entry=host.rstrip("/")))


def keep(spec: StackSpec, kind: str, interrupts: Interrupts, say: Callable[[str], None]) -> StackState:
    """Start a stack that stays. Raises StartError, and leaves nothing behind then; HealIncomplete where it must."""
    path = kept_path(spec)
    hold = Hold(path.parent)
    hold.take()
    try:
        if kept(spec) is not None:
            raise StartError(
                "a stack is kept already; see `harness stack status`, or take it down: `harness stack down`"
            )
        if path.is_file():  # of before the machine was started anew: processes are gone, containers and folders not
            _take_down(path, replace(states.read(path), owned=()))
        return _keep(spec, kind, path, interrupts, say)
    finally:
        hold.release()


def _keep(spec: StackSpec, kind: str, path: Path, interrupts: Interrupts, say: Callable[[str], None]) -> StackState:
    logs = path.parent / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot write {path.parent}: {error.strerror or error}; mend its permissions") from error
    guardian = Guardian(path, logs / "guardian.log")
    try:
        guardian.wait_ready()
        return _start(spec, kind, path, logs, interrupts.came, say).state
    except HealIncomplete:
        raise  # what is left is for `harness stack down`
    except HarnessError:
        path.unlink(missing_ok=True)
        raise
    finally:
        guardian.release()


def let_go(spec: StackSpec) -> bool:
    """Take the kept stack down; False when there was none. Raises HealIncomplete when something of it is left."""
    path = kept_path(spec)
    if not path.is_file():
        return False
    hold = Hold(path.parent)
    hold.take()
    try:
        _take_down(path, states.read(path))
    finally:
        hold.release()
    return True


def _take_down(path: Path, state: StackState) -> None:
    """End what was kept, and forget it only then: the file at `path` is all that is known of what is left."""
    left = take_down(state)
    if left:
        raise HealIncomplete(f"{left_over(left)}, or try again: harness stack down (what it was is in {path})")
    path.unlink()


def _ended(state: StackState) -> list[str]:
    """The services of a kept stack that ran when it was started, and do not any more."""
    ran = [one.name for one in state.services if one.container is None or one.container.running]
    alive = _alive(state)
    return [name for name in ran if name not in alive]


def _attach(state: StackState, hold: Hold, say: Callable[[str], None]) -> RunningStack:
    """The kept stack as it is now: what is out of place before the run is not the run's to mend."""
    hold.take()
    if dead := _ended(state):
        hold.release()
        raise StartError(f"{', '.join(dead)} of the kept stack has ended; start it again with `harness heal`")
    found = as_found(state.attached())
    if found != state.attached():
        say("the kept stack is not as it was started; `harness heal` mends it, this run takes it as it is")
    return RunningStack(found, hold)


def _warn_of_other_variables(now: Mapping[str, str], then: Mapping[str, str], say: Callable[[str], None]) -> None:
    for name in sorted({*now, *then}):
        if now.get(name, "") != then.get(name, ""):
            say(
                f"{name} is {now.get(name, '')!r} here, but the kept stack was started with {then.get(name, '')!r}; "
                "take it down and up again for it to matter"
            )
