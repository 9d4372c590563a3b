"""READ FIRST. What a scenario says: load, faults in windows, checks.

Pure: nothing here touches the world. Values are checked where they are made; a wrong one raises ValueError with what
was given, what is allowed and what to do, and the loader adds the file and the line. What faults speak to is world.py,
what a run leaves behind record.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Protocol, runtime_checkable

from harness.bounds import positive
from harness.record import History, Verdict
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Load:
    """The locustfile, and the arrivals or users that drive it.

    Say one of: `rate_per_s` (open model, constant), `ramp` (open; from, to, over seconds), `steps` (open; pairs of rate
    and seconds, the last rate is held), `users` (closed model). None of them: the locustfile's own LoadTestShape.

    An arrival is one task of the locustfile. In the open model arrivals come from the clock, never from the last
    answer; one that finds all `users_max` users busy is counted as dropped. `arrivals` is "even" or "poisson" (seeded).
    """

    locustfile: str
    _: KW_ONLY
    rate_per_s: float | None = None
    ramp: tuple[float, float, float] | None = None
    steps: tuple[tuple[float, float], ...] | None = None
    users: int | None = None
    users_max: int | None = None
    arrivals: str = "even"
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = [n for n in ("rate_per_s", "ramp", "steps", "users") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"Load takes one of rate_per_s, ramp, steps, users; given {' and '.join(given)}")
        if self.rate_per_s is not None:
            positive("rate_per_s", self.rate_per_s)
        if self.ramp is not None:
            if len(self.ramp) != 3:
                raise ValueError(f"ramp is (from_per_s, to_per_s, over_s); given {self.ramp!r}")
            positive("ramp from_per_s", self.ramp[0], zero_allowed=True)
            positive("ramp to_per_s", self.ramp[1], zero_allowed=True)
            positive("ramp over_s", self.ramp[2])
            if self.ramp[0] == self.ramp[1] == 0:
                raise ValueError("a ramp from 0 to 0 sends nothing; raise one of its ends")
        if self.steps is not None:
            if not self.steps:
                raise ValueError("steps must hold at least one (rate_per_s, for_s) pair; given none")
            for step in self.steps:
                if len(step) != 2:
                    raise ValueError(f"each of steps is (rate_per_s, for_s); given {step!r}")
                positive("step rate_per_s", step[0], zero_allowed=True)
                positive("step for_s", step[1])
        for name in ("users", "users_max"):
            value = getattr(self, name)
            if value is not None:
                positive(name, value)
                if not isinstance(value, int):
                    raise ValueError(f"{name} must be a whole number; given {value!r}")
        if self.arrivals not in ("even", "poisson"):
            raise ValueError(f'arrivals must be "even" or "poisson"; given {self.arrivals!r}')
        for name in ("tags", "exclude_tags"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is a tuple of names; given {getattr(self, name)!r}, write a comma after it")

    @property
    def model(self) -> str:
        """`open`, `closed` or `shape` (the locustfile's own LoadTestShape)."""
        if self.users is not None:
            return "closed"
        return "shape" if self.rates is None else "open"

    @property
    def rates(self) -> tuple[tuple[float, float], ...] | None:
        """The open model's rate over time as (at_s, rate_per_s) points, straight between them, flat after the last.

        Two points at one time are a step. None for the closed model and for a LoadTestShape.
        """
        if self.rate_per_s is not None:
            return ((0.0, self.rate_per_s),)
        if self.ramp is not None:
            return ((0.0, self.ramp[0]), (self.ramp[2], self.ramp[1]))
        if self.steps is None:
            return None
        points: list[tuple[float, float]] = []
        at_s = 0.0
        for rate_per_s, for_s in self.steps:
            points += [(at_s, rate_per_s), (at_s + for_s, rate_per_s)]
            at_s += for_s
        return tuple(points)

    @property
    def planned_s(self) -> float:
        """How long the ramp or the steps last; 0 where the load is constant."""
        rates = self.rates
        return rates[-1][0] if rates else 0.0


class Fault(Protocol):
    """Something that can be injected. Its fields are its parameters, and they are what reports show."""

    def inject(self, stack: Stack) -> Heal: ...


@runtime_checkable
class LinkFault(Fault, Protocol):
    """A fault on one link. `cuts` is true when the link is closed while it is in, so that nothing is seen to cross."""

    @property
    def link(self) -> str: ...
    @property
    def cuts(self) -> bool: ...


@runtime_checkable
class ServiceFault(Fault, Protocol):
    """A fault on one service. `needs` is the power that the stack must have (a name of POWERS); `cuts` is true when the
    service says nothing while it is in, so that nothing is seen to cross its links."""

    @property
    def service(self) -> str: ...
    @property
    def needs(self) -> str: ...
    @property
    def cuts(self) -> bool: ...


@runtime_checkable
class DiskFault(ServiceFault, Protocol):
    """A fault on the file system that a service has at `path`."""

    @property
    def path(self) -> str: ...


@runtime_checkable
class HttpFault(LinkFault, Protocol):
    """A fault on the HTTP requests of a link, which must have a tap (`tap: http`)."""

    @property
    def http(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Window:
    """A fault with its start and end on the scenario's clock, in seconds."""

    fault: Fault
    start_s: float
    end_s: float
    name: str = ""
    line: int | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        positive("the start of a window", self.start_s, zero_allowed=True)
        positive("the end of a window", self.end_s)
        if self.end_s <= self.start_s:
            raise ValueError(f"a window must end after it starts; given {self.start_s:g} s to {self.end_s:g} s")
        if isinstance(self.fault, type) or not callable(getattr(self.fault, "inject", None)):
            raise ValueError(f"a window holds faults, as in Outage(LINK); given {self.fault!r}")


def during(start_s: float, end_s: float, *faults: Fault, name: str = "") -> tuple[Window, ...]:
    """Windows for faults that go in at `start_s` and are healed at `end_s`. Add tuples to combine windows."""
    if not faults:
        raise ValueError("during() needs at least one fault after the two times")
    frame = inspect.currentframe()
    line = frame.f_back.f_lineno if frame and frame.f_back else None
    return tuple(Window(fault, start_s, end_s, name, line) for fault in faults)


class Check(Protocol):
    """A judge of a history. It looks at nothing else, so it can be tried on a history built by hand."""

    def check(self, history: History) -> Verdict: ...


@runtime_checkable
class BaselineCheck(Protocol):
    """A check that also makes sense before anything is broken: what it asks of the baseline."""

    def at_baseline(self) -> Check: ...


@runtime_checkable
class RecoveryCheck(Protocol):
    """A check that must see the run go on for so long after its last window."""

    @property
    def recovery_needed_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Reads:
    """What a check must know of a service: GET `path` of it, each `every_s` and once more when the run ends.

    The answers, JSON of at most 8 MB, are the history's `accounts`.
    """

    service: str
    path: str
    every_s: float = 1.0

    def __post_init__(self) -> None:
        if str(self.path)[:1] != "/" or not self.path.isascii() or not self.path.isprintable() or " " in self.path:
            raise ValueError(f"path must begin with / and be plain ASCII, as in /status?since=1; given {self.path!r}")
        positive("every_s", self.every_s)


@runtime_checkable
class ReadingCheck(Protocol):
    """A check that looks at what services say of themselves."""

    @property
    def reads(self) -> tuple[Reads, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One question asked of the stack. Times are seconds on the scenario's clock, whose zero is the first arrival.

    `variables` are for the Compose file, where the environment has none of that name.
    """

    hypothesis: str
    load: Load
    checks: tuple[Check, ...]
    faults: tuple[Window, ...] = ()
    duration_s: float | None = None
    warmup_s: float = 3
    recovery_s: float = 20
    seed: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.hypothesis, str) or not self.hypothesis.strip():
            raise ValueError("hypothesis must be a sentence that the run can prove wrong; given nothing")
        if not isinstance(self.load, Load):
            raise ValueError(f'load must be a Load, as in Load("shop.py", rate_per_s=40); given {self.load!r}')
        for name, what in (("faults", Window), ("checks", object)):
            value = getattr(self, name)
            if not isinstance(value, tuple):
                raise ValueError(f"{name} must be a tuple; given {value!r}; write a comma after a single one")
            for item in value:
                if not isinstance(item, what):
                    raise ValueError(f"{name} holds windows made by during(start_s, end_s, fault); given {item!r}")
        for check in self.checks:
            if isinstance(check, type) or not callable(getattr(check, "check", None)):
                raise ValueError(f"checks holds checks such as Availability(ok_ratio_min=0.99); given {check!r}")
        if not self.checks:
            raise ValueError("checks is empty, so nothing could fail; give at least one")
        items = self.variables.items() if isinstance(self.variables, Mapping) else [("variables", self.variables)]
        for name, value in items:
            if not isinstance(name, str) or not isinstance(value, str):
                raise ValueError(f'variables holds texts, as in {{"DAY_S": "2"}}; given {name!r}: {value!r}')
        positive("warmup_s", self.warmup_s, zero_allowed=True)
        positive("recovery_s", self.recovery_s, zero_allowed=True)
        if self.duration_s is not None:
            positive("duration_s", self.duration_s)
        elif not self.faults:
            raise ValueError("a scenario without faults needs duration_s, since no window says when it ends")
        for window in self.faults:
            if window.end_s > self.end_s:
                raise ValueError(
                    f"a window ends at {window.end_s:g} s, past the end of the scenario at {self.end_s:g} s; "
                    "raise duration_s or end the window earlier"
                )
        needed_s = max((c.recovery_needed_s for c in self.checks if isinstance(c, RecoveryCheck)), default=0.0)
        last_s = max((window.end_s for window in self.faults), default=self.end_s)
        if self.faults and self.end_s - last_s < needed_s:
            raise ValueError(
                f"a check of recovery must see {needed_s:g} s after the last window, and the scenario ends "
                f"{self.end_s - last_s:g} s after it; raise recovery_s"
            )
        if self.load.planned_s > self.end_s:
            raise ValueError(
                f"the load lasts {self.load.planned_s:g} s, past the end of the scenario at {self.end_s:g} s; "
                "raise duration_s or shorten the load"
            )

    @property
    def end_s(self) -> float:
        """The end of the scenario on its own clock: `duration_s`, or `recovery_s` after the last window."""
        if self.duration_s is not None:
            return self.duration_s
        return max(window.end_s for window in self.faults) + self.recovery_s
