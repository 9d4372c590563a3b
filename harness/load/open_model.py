"""The open model inside Locust: users wait for arrivals, arrivals never wait for users.

Users are spawned beforehand and park; the pacer hands each arrival, when it is due, to a free user of a class drawn by
weight. An arrival that finds no user free is counted as dropped. Locust's own task machinery goes on as it is (weights,
tags, nested and sequential task sets): an arrival is taken before a task function runs, and a think time (`wait_time`)
is not slept, since the arrivals' clock decides.
"""

from __future__ import annotations

import bisect
import itertools
import random
import time
from collections.abc import Callable
from typing import Any, cast

import gevent
from gevent.hub import Waiter
from locust import TaskSet, User
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from harness.load.arrivals import Times
from harness.load.in_flight import around_tasks

NAP_S = 0.0005
"""The pacer's shortest sleep: it starts all that is due each time it wakes."""

SLICE = 4096
ASTRAY_S = 0.1
"""The rest of a user that came to no task at all, which Locust logs and tries again without end."""


class Parking:
    """Where free users wait. Last in, first out, so that a few warm connections carry a light load."""

    def __init__(self, user_classes: list[type[User]], seed: int) -> None:
        classes = [c for c in user_classes if (c.weight or c.fixed_count) > 0]
        self._free: dict[type[User], list[Waiter]] = {c: [] for c in classes}
        self._ladder = list(itertools.accumulate((c.weight or c.fixed_count) for c in classes))
        self._classes = classes
        self._random = random.Random(seed)

    def park(self, user: User) -> int:
        """Wait for an arrival; gives its intended start, monotonic nanoseconds."""
        waiter = Waiter()
        self._free[type(user)].append(waiter)
        intended_ns: int = waiter.get()
        return intended_ns

    @property
    def free(self) -> int:
        return sum(len(waiters) for waiters in self._free.values())

    def hand_out(self, intended_ns: int) -> bool:
        """Give one arrival to a free user; False when none of the drawn class is free."""
        drawn = self._random.random() * self._ladder[-1]
        free = self._free[self._classes[bisect.bisect(self._ladder, drawn)]]
        if not free:
            return False
        gevent.get_hub().loop.run_callback(free.pop().switch, intended_ns)
        return True


class Pacer:
    """Starts arrivals when they are due, and keeps account of how late it was."""

    def __init__(self, due_ns: Times, parking: Parking) -> None:
        self._due_ns = due_ns
        self._parking = parking
        self.arrivals = 0
        self.dropped = 0
        self.late_ms: list[float] = []

    def run(self, zero_ns: int, *, stopped: Callable[[], bool]) -> None:
        """Hand out all arrivals; returns after the last one, or soon after `stopped` says so."""
        loop = gevent.get_hub().loop
        for at_ns in itertools.chain.from_iterable(
            self._due_ns[first : first + SLICE].tolist() for first in range(0, len(self._due_ns), SLICE)
        ):
            due_ns = zero_ns + at_ns
            while (wait_ns := due_ns - time.monotonic_ns()) > 0:
                if stopped():
                    return
                loop.update_now()  # libev sleeps from its own idea of now, which is as old as the last wake-up
                gevent.sleep(min(max(wait_ns * 1e-9, NAP_S), 0.1))
            self.arrivals += 1
            self.late_ms.append((time.monotonic_ns() - due_ns) * 1e-6)
            if not self._parking.hand_out(due_ns):
                self.dropped += 1
            elif self.arrivals % 64 == 0:
                gevent.sleep(0)  # in a burst, let the started users send before the next ones are started


def use_arrivals(parking: Parking) -> None:
    """Make Locust's task sets take arrivals from `parking`. For this process, which lives for one run."""

    def execute_next_task(self: TaskSet) -> None:
        greenlet = cast(Any, gevent.getcurrent())
        if not getattr(greenlet, "has_arrival", False):
            self.user._state = LOCUST_STATE_WAITING
            greenlet.intended_ns = parking.park(self.user)
            greenlet.has_arrival = True
            self.user._state = LOCUST_STATE_RUNNING
        self.execute_task(self._task_queue.popleft())

    def use_up(task: Any, run: Callable[[], None]) -> None:
        greenlet = cast(Any, gevent.getcurrent())
        try:
            run()
        finally:
            greenlet.has_arrival = False
            greenlet.intended_ns = None
            greenlet.worked = True

    def wait(self: TaskSet) -> None:
        if self.user._state == LOCUST_STATE_STOPPING:
            raise StopUser()
        greenlet = cast(Any, gevent.getcurrent())
        if not getattr(greenlet, "worked", False):
            gevent.sleep(ASTRAY_S)
        greenlet.worked = False

    around_tasks(use_up)
    TaskSet.execute_next_task = execute_next_task  # type: ignore[method-assign]
    TaskSet.wait = wait  # type: ignore[method-assign]
