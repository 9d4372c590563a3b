"""The three ways to drive users: arrivals on a clock (open), a number of users (closed), the locustfile's own shape."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import gevent
from locust.env import Environment
from locust.user.task import LOCUST_STATE_STOPPING

from harness.load.arrivals import intended_ns
from harness.load.idle import hang_up
from harness.load.open_model import Pacer, Parking, use_arrivals
from harness.order import Order

SPAWN_WITHIN_S = 50.0
USERS_AT_ONCE = 25
PATIENCE_S = 12.0
"""How long a request may take before the open model's own bound on users drops arrivals: a client waits 10 s."""
USERS_MIN, USERS_MAX = 50, 2000


class Driver(Protocol):
    """What the load process needs of a way to drive users."""

    users: int

    def prepare(self) -> None:
        """All that can be done before the clock starts."""
        ...

    def drive(self, zero_ns: int, *, stopped: Callable[[], bool]) -> None:
        """Send load until the run's end, or until `stopped` says so."""
        ...

    def wind_down(self) -> None:
        """Start nothing new; let what runs come to its end."""
        ...

    def take_lateness(self) -> list[float]:
        """Start lateness of the arrivals since the last call, milliseconds."""
        ...

    @property
    def busy(self) -> int: ...
    @property
    def arrivals(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def greenlets(self) -> Iterable[object]: ...


def driver_for(order: Order, environment: Environment, has_shape: bool) -> Driver:
    """The driver that the order asks for. Raises ValueError when it needs a shape that is not there."""
    if order.model == "open":
        return OpenDriver(order, environment)
    if order.model == "shape" and not has_shape:
        raise ValueError(
            f"{order.locustfile} has no LoadTestShape; give the Load a rate_per_s, a ramp, steps or users, "
            "or the locustfile a shape"
        )
    return ClosedDriver(order, environment)


class OpenDriver:
    """Arrivals from the clock, each handed to a user that waits."""

    def __init__(self, order: Order, environment: Environment) -> None:
        due = intended_ns(
            [(at, rate) for at, rate in order.rates],
            order.end_s,
            warmup_s=order.warmup_s,
            arrivals=order.arrivals,
            seed=order.seed,
        )
        highest = max(rate for _, rate in order.rates)
        self.users = order.users or int(min(USERS_MAX, max(USERS_MIN, PATIENCE_S * highest)))
        weights = [c.weight or c.fixed_count for c in environment.user_classes if (c.weight or c.fixed_count) > 0]
        self.users = max(self.users, math.ceil(sum(weights) / min(weights, default=1)))  # each class has a user
        self._environment = environment
        self._parking = Parking(environment.user_classes, order.seed)
        self._pacer = Pacer(due, self._parking)
        use_arrivals(self._parking)

    def prepare(self) -> None:
        runner = self._environment.runner
        assert runner is not None
        deadline = time.monotonic() + SPAWN_WITHIN_S
        batch = max(USERS_AT_ONCE, self.users // 20)
        for wanted in [*range(batch, self.users, batch), self.users]:  # what users do in on_start must not be a storm
            runner.start(wanted, spawn_rate=batch)
            while self._parking.free < wanted:
                if time.monotonic() > deadline:
                    raise ValueError(
                        f"only {self._parking.free} of {self.users} users were ready within {SPAWN_WITHIN_S:g} s; "
                        "look at on_start in the locustfile, at the load process's log, and at how many connections "
                        "the entry takes; a lower rate or users_max needs fewer"
                    )
                gevent.sleep(0.01)
            if wanted < self.users:  # the last ones are the first to be asked for, and stay warm
                for greenlet in _greenlets(self._environment):
                    hang_up(greenlet.args[0])

    def drive(self, zero_ns: int, *, stopped: Callable[[], bool]) -> None:
        self._pacer.run(zero_ns, stopped=stopped)

    def wind_down(self) -> None:
        gevent.sleep(0)  # the last arrivals were handed out, and their users must run before anyone counts them

    def take_lateness(self) -> list[float]:
        late_ms, self._pacer.late_ms = self._pacer.late_ms, []
        return late_ms

    @property
    def busy(self) -> int:
        return self.users - self._parking.free

    @property
    def arrivals(self) -> int:
        return self._pacer.arrivals

    @property
    def dropped(self) -> int:
        return self._pacer.dropped

    @property
    def greenlets(self) -> Iterable[object]:
        return _greenlets(self._environment)


class ClosedDriver:
    """A number of users, or the locustfile's shape, as Locust itself does it. Nothing is dropped, nothing is late."""

    arrivals = 0
    dropped = 0

    def __init__(self, order: Order, environment: Environment) -> None:
        self._order, self._environment = order, environment
        self.users = order.users

    def prepare(self) -> None:
        pass

    def drive(self, zero_ns: int, *, stopped: Callable[[], bool]) -> None:
        runner = self._environment.runner
        assert runner is not None
        start_ns = zero_ns
        if self._order.model == "closed":
            start_ns -= int(self._order.warmup_s * 1e9)
        _sleep_until(start_ns, stopped)
        if self._order.model == "shape":
            runner.start_shape()
        else:
            runner.start(self.users, spawn_rate=max(self.users, 1))
        _sleep_until(zero_ns + int(self._order.end_s * 1e9), stopped)

    def wind_down(self) -> None:
        runner = self._environment.runner
        assert runner is not None
        if runner.shape_greenlet is not None:
            runner.shape_greenlet.kill(block=False)
        for greenlet in list(self.greenlets):
            user: Any = greenlet.args[0]  # type: ignore[attr-defined]
            if getattr(greenlet, "working", None) is None:
                user._group.killone(greenlet, block=False)
            else:
                user._state = LOCUST_STATE_STOPPING

    def take_lateness(self) -> list[float]:
        return []

    @property
    def busy(self) -> int:
        return sum(getattr(greenlet, "working", None) is not None for greenlet in self.greenlets)

    @property
    def greenlets(self) -> Iterable[object]:
        return _greenlets(self._environment)


def _greenlets(environment: Environment) -> Iterable[Any]:
    assert environment.runner is not None
    return list(environment.runner.user_greenlets)


def _sleep_until(at_ns: int, stopped: Callable[[], bool]) -> None:
    while (left_s := (at_ns - time.monotonic_ns()) * 1e-9) > 0 and not stopped():
        gevent.sleep(min(left_s, 0.05))
