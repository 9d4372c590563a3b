"""A service of a running stack, as faults meet it: what breaks it is counted, so that each heal ends its own.

What a stack can do to a service is its powers: to a process in process_powers.py, to a container in docker/powers.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from harness.errors import StartError
from harness.world import Heal


class Powers(Protocol):
    """Does one thing to one service, now. Raises HarnessError when that cannot be done."""

    def alive(self) -> bool:
        """Whether it runs (a frozen one does). Cheap: it is asked ten times a second."""
        ...

    def kill(self) -> None: ...
    def stop(self) -> None: ...
    def start(self) -> None:
        """Start it again; one that runs is left alone."""
        ...

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def limit_cpu(self, cores: float | None) -> None:
        """None gives it back what it had."""
        ...

    def limit_memory(self, limit_bytes: int | None) -> None:
        """None gives it back what it had."""
        ...

    def fill_disk(self, path: str, free_bytes: int) -> None: ...
    def empty_disk(self, path: str) -> None: ...
    def leave_networks(self) -> None: ...
    def join_networks(self) -> None: ...
    def break_dns(self) -> None: ...
    def mend_dns(self) -> None: ...


class BreakableService:
    """Implements world.Service over the powers of its stack. Overlapping faults each heal their own."""

    def __init__(self, name: str, powers: Powers) -> None:
        self.name = name
        self._powers = powers
        self._lock = threading.RLock()
        self._wanted: dict[str, list[float]] = {}
        self._lived = powers.alive()

    def died(self) -> bool:
        """It lived, nobody of us took it down, and it does not live any more."""
        with self._lock:
            if self._wanted.get("down") or self._wanted.get("memory"):
                return False
            alive = self._powers.alive()
            died = self._lived and not alive
            self._lived = self._lived or alive
            return died

    def kill(self) -> Heal:
        return self._hold("down", self._powers.kill, self._powers.start)

    def stop(self) -> Heal:
        return self._hold("down", self._powers.stop, self._powers.start)

    def freeze(self) -> Heal:
        return self._hold("frozen", self._powers.freeze, self._powers.thaw)

    def restart(self) -> Heal:
        with self._lock:
            again = self._hold("down", self._powers.stop, self._powers.start)
            again()
        return lambda: None

    def partition(self) -> Heal:
        return self._hold("apart", self._powers.leave_networks, self._powers.join_networks)

    def break_dns(self) -> Heal:
        return self._hold("nameless", self._powers.break_dns, self._powers.mend_dns)

    def fill_disk(self, path: str, free_bytes: int) -> Heal:
        return self._hold(
            f"full {path}", lambda: self._powers.fill_disk(path, free_bytes), lambda: self._powers.empty_disk(path)
        )

    def squeeze_cpu(self, cores: float) -> Heal:
        return self._squeeze("cpu", cores, self._powers.limit_cpu)

    def squeeze_memory(self, limit_bytes: int) -> Heal:
        end = self._squeeze("memory", limit_bytes, lambda v: self._powers.limit_memory(None if v is None else int(v)))

        def heal() -> None:
            end()
            if not self._wanted.get("down") and not self._powers.alive():  # it was killed for what it held
                self._powers.start()

        return heal

    def _hold(self, what: str, begin: Callable[[], None], end: Callable[[], None]) -> Heal:
        """The first that wants it begins it, the last that lets go ends it."""
        with self._lock:
            holders = self._wanted.setdefault(what, [])
            if not holders:
                begin()
            holders.append(0.0)

        def heal() -> None:
            with self._lock:
                holders.pop()
                if not holders:
                    end()

        return heal

    def _squeeze(self, what: str, value: float, limit: Callable[[float | None], None]) -> Heal:
        """Of several limits the tightest counts."""
        with self._lock:
            values = self._wanted.setdefault(what, [])
            limit(min([*values, value]))
            values.append(value)

        def heal() -> None:
            with self._lock:
                values.remove(value)
                limit(min(values, default=None))

        return heal


def cannot(service: str, what: str, instead: str) -> StartError:
    """The error for a power that this stack does not have."""
    return StartError(f"{what} is not possible on {service} here; {instead}")
