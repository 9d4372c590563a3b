"""A circuit breaker: calls to somebody who keeps failing are not made, until one probe has succeeded.

Our own, since no library that we found has all of what this needs: asyncio, calls that run side by side while it is
closed, and one single probe while it is half open. pybreaker holds a lock during the call, and purgatory,
circuitbreaker and aiobreaker let all who wait through as probes at once.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

from target.retry import Unavailable

log = logging.getLogger("shop")


class State(Enum):
    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class BreakerOpen(Unavailable):
    """The call was not made."""


class Breaker:
    """Opens when, of the last `calls` no older than `window_s`, `failures_min` and half of them failed.

    Half open after `reset_s`: the next call is the probe; its success closes, its failure opens again.
    """

    def __init__(
        self,
        name: str,
        weakness: frozenset[str] = frozenset(),
        *,
        calls: int = 10,
        failures_min: int = 5,
        window_s: float = 10.0,
        reset_s: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self._weakness, self._clock = name, weakness, clock
        self._failures_min, self._window_s, self._reset_s = failures_min, window_s, reset_s
        self._last: deque[tuple[float, bool]] = deque(maxlen=calls)
        self._state, self._since = State.CLOSED, clock()

    @property
    def state(self) -> State:
        return self._state

    @property
    def lets_through(self) -> bool:
        """Whether a call would be made now."""
        if "no-breaker" in self._weakness:
            return True  # planted weakness: whatever failed before
        if self._state is State.HALF_OPEN:
            return "breaker-many-probes" in self._weakness  # planted weakness: all who wait are probes
        return self._state is State.CLOSED or self._clock() - self._since >= self._reset_s

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one call. Raises BreakerOpen; what else the call raises is a failure if it is Unavailable."""
        if not self.lets_through:
            raise BreakerOpen(f"the breaker of {self.name} is {self._state.name.lower().replace('_', ' ')}", soon=False)
        if self._state is State.OPEN:
            self._become(State.HALF_OPEN)
        began_in = self._state, self._since
        ended: bool | None = None  # called off: it says nothing of them
        try:
            yield
            ended = True
        except Unavailable:
            ended = False
            raise
        except Exception:
            ended = True  # they answered
            raise
        finally:
            if began_in == (self._state, self._since):  # else it is too late to say anything
                self._learn(ended)

    def _learn(self, ok: bool | None) -> None:
        if self._state is State.HALF_OPEN:
            # planted weakness: no probe is good enough
            closes = ok and "breaker-never-closes" not in self._weakness
            self._become(State.CLOSED if closes else State.OPEN)
        elif self._state is State.CLOSED and ok is not None:
            self._last.append((self._clock(), ok))
            recent = [one for at, one in self._last if self._clock() - at <= self._window_s]
            failed = recent.count(False)
            if failed >= self._failures_min and failed * 2 >= len(recent) and "no-breaker" not in self._weakness:
                self._become(State.OPEN)

    def _become(self, state: State) -> None:
        log.warning("breaker %s: %s -> %s", self.name, self._state.name.lower(), state.name.lower())
        self._state, self._since = state, self._clock()
        self._last.clear()
