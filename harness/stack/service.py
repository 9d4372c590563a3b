"""A service of a running stack, as faults meet it: what breaks it is counted, so that each heal ends its own.

What a stack can do to a service is its powers: to a process in process_powers.py, to a container in docker/powers.py.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from harness.errors import HarnessError, StartError
from harness.stack.errand import Errand
from harness.world import Heal

CUT_SHORT_AFTER_S, HURRIED_WITHIN_S = 3.0, 10.0
"""How long past its window what takes its time may still take; how long its end may take once it is killed."""


class Powers(Protocol):
    """Does one thing to one service, now. Raises HarnessError when that cannot be done."""

    def alive(self) -> bool:
        """Whether it runs (a frozen one does). Cheap: it is asked ten times a second. Raises HarnessError when that
        cannot be told."""
        ...

    def is_done(self) -> bool:
        """Whether it has ended well by itself, as jobs do: it is not missed, and start() leaves it alone."""
        ...

    def kill(self) -> None: ...
    def stop(self) -> None:
        """Ask it to end, and return when it has. May take its time."""
        ...

    def start(self) -> bool:
        """Start it again, and say so; one that runs is left alone."""
        ...

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def limit_cpu(self, cores: float | None) -> None:
        """None gives it back what it had."""
        ...

    def limit_memory(self, limit_bytes: int | None) -> None:
        """None gives it back what it had."""
        ...

    def limit_disk(self, path: str, free_bytes: int | None) -> None:
        """Leave so much free at that path; None gives it all back."""
        ...

    def leave_networks(self) -> None: ...
    def join_networks(self) -> None: ...
    def break_dns(self) -> None: ...
    def mend_dns(self) -> None: ...
    def let_go(self) -> None:
        """End whatever of ours goes on acting on it."""
        ...

    def lose_data(self) -> None: ...
    def leave_junk(self, path: str, name: str, free_bytes: int) -> None: ...
    def deploy(self, variables: Mapping[str, str]) -> None: ...
    def run_sql(self, statement: str, hold: bool) -> None: ...


class BreakableService:
    """Implements world.Service over the powers of its stack. Overlapping faults each heal their own.

    What is wanted of it is kept here: a service that is started again is brought to it anew, so that a frozen one that
    is killed is frozen again when it is back. `note` is a file that is there from when it is asked to end until it is
    started again: whoever heals it meanwhile must not take it for one that lives, nor for a job that has ended well.
    """

    def __init__(self, name: str, powers: Powers, note: Path | None = None) -> None:
        self.name = name
        self._powers, self._note = powers, note
        self._lock = threading.RLock()
        self._wanted: dict[str, list[float]] = {}
        self._anew: dict[str, Callable[[], None]] = {}
        self._errands: list[Errand] = []
        self._is_ending = False
        self._lived = powers.alive()

    # ------------------------------------------------------------------------------------------------ how it does

    def lives(self) -> bool:
        return self._powers.alive()

    def died(self) -> bool:
        """It lived, no fault of ours is in, and it does not live any more."""
        return self._ended(under_a_fault=False)

    def fell(self) -> bool:
        """It has ended since a fault went in that was not meant to end it. True once."""
        return self._ended(under_a_fault=True)

    def _ended(self, under_a_fault: bool) -> bool:
        if not self._lock.acquire(blocking=False):
            return False  # it is being ended or started right now: ask again
        try:
            if self._wanted.get("down") or any(self._wanted.values()) is not under_a_fault:
                return False
            if under_a_fault and not self._lived:
                return False  # told already
            alive = self._powers.alive()
            if self._lived and not alive and self._powers.is_done():
                self._lived = False
            ended = self._lived and not alive
            self._lived = alive or (self._lived and not under_a_fault)
            return ended
        finally:
            self._lock.release()

    # ---------------------------------------------------------------------------------------------- what breaks it

    def kill(self) -> Heal:
        with self._lock:
            self._powers.kill()
            return self._hold("down", lambda: None, lambda: None)

    def stop(self) -> Heal:
        with self._lock:
            ending = self._errand(self._end) if not self._wanted.get("down") else None
            start = self._hold("down", lambda: None, lambda: None)

        def heal() -> None:
            if ending is not None:
                self._hurry(ending)
            start()

        return heal

    def restart(self) -> Heal:
        with self._lock:
            if self._wanted.get("down"):
                return lambda: None  # what holds it down starts it again
            start = self._hold("down", lambda: None, lambda: None)
            errand = self._errand(lambda: self._end_and(start))
        return lambda: self._hurry(errand)

    def freeze(self) -> Heal:
        return self._hold("frozen", self._powers.freeze, self._powers.thaw)

    def partition(self) -> Heal:
        return self._hold("apart", self._powers.leave_networks, self._powers.join_networks)

    def break_dns(self) -> Heal:
        return self._hold("nameless", self._powers.break_dns, self._powers.mend_dns)

    def fill_disk(self, path: str, free_bytes: int) -> Heal:
        return self._squeeze(f"disk {path}", free_bytes, lambda free: self._powers.limit_disk(path, _whole(free)))

    def squeeze_cpu(self, cores: float) -> Heal:
        return self._squeeze("cpu", cores, self._powers.limit_cpu)

    def squeeze_memory(self, limit_bytes: int) -> Heal:
        return self._squeeze("memory", limit_bytes, lambda limit: self._powers.limit_memory(_whole(limit)))

    # ------------------------------------------------------------------------------- what a drill does: see world.py

    def lose_data(self) -> None:
        self._powers.lose_data()

    def leave_junk(self, path: str, name: str, free_bytes: int) -> None:
        self._powers.leave_junk(path, name, free_bytes)

    def deploy(self, variables: Mapping[str, str]) -> None:
        self._powers.deploy(variables)

    def run_sql(self, statement: str, hold: bool) -> None:
        self._powers.run_sql(statement, hold)

    def let_go(self) -> None:
        """Nothing of ours goes on acting on it, and nothing is wanted of it. What is still in, the stack's heal ends.

        Never raises. A stop in good order is cut short: whoever heals has no time for it.
        """
        for errand in self._errands:
            if errand.is_going:
                with contextlib.suppress(HarnessError):
                    self._powers.kill()
                errand.join(HURRIED_WITHIN_S)
        self._errands.clear()
        self._wanted.clear()
        self._anew.clear()
        self._powers.let_go()

    # ------------------------------------------------------------------------------------------------- how it is done

    def _hold(self, what: str, begin: Callable[[], None], end: Callable[[], None]) -> Heal:
        """The first that wants it begins it, the last that lets go ends it."""
        with self._lock:
            holders = self._wanted.setdefault(what, [])
            if not holders:
                self._anew[what] = begin
                if self._powers.alive():  # one that is down is brought to it when it is back
                    begin()
            holders.append(0.0)

        def heal() -> None:
            with self._lock:
                holders.pop()
                if not holders:
                    end()
                self._revive()

        return heal

    def _squeeze(self, what: str, value: float, limit: Callable[[float | None], None]) -> Heal:
        """Of several limits the tightest counts."""
        with self._lock:
            values = self._wanted.setdefault(what, [])
            limit(min([*values, value]))
            values.append(value)
            self._anew[what] = lambda: limit(min(values))

        def heal() -> None:
            with self._lock:
                values.remove(value)
                limit(min(values, default=None))
                self._revive()

        return heal

    def _revive(self) -> None:
        """Start it, where it has ended and nothing holds it down; and bring it to what is still wanted of it."""
        if self._wanted.get("down"):
            return
        try:
            started = self._powers.start()
        except HarnessError:
            if self._wanted.get("memory"):
                return  # with so little it cannot start: the last of the limits will
            raise
        if self._note is not None:
            self._note.unlink(missing_ok=True)
        if started:
            self._lived = True
            for what, begin in self._anew.items():
                if self._wanted.get(what):
                    begin()

    def _end(self) -> None:
        """Takes its time, and so no lock."""
        if self._note is not None:
            self._note.touch()
        self._is_ending = True
        try:
            self._powers.stop()
        finally:
            with self._lock:
                self._is_ending = False

    def _end_and(self, start: Heal) -> None:
        try:
            self._end()
        finally:
            start()

    def _hurry(self, errand: Errand) -> None:
        """Return when it is done. What takes much longer than its window to end is killed."""
        errand.join(CUT_SHORT_AFTER_S)
        with self._lock:
            if self._is_ending:
                self._powers.kill()
        errand.wait(HURRIED_WITHIN_S)

    def _errand(self, do: Callable[[], None]) -> Errand:
        self._errands.append(Errand(do, self.name))
        return self._errands[-1]


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def cannot(service: str, what: str, instead: str) -> StartError:
    """The error for a power that this stack does not have."""
    return StartError(f"{what} is not possible on {service} here; {instead}")
