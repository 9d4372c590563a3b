"""Scenario -> ordered steps on one clock. Pure: it touches nothing, so `harness validate` can show it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass, replace

from harness.errors import one_of
from harness.model import Check, Fault, HttpFault, LinkFault, Load, Scenario, ServiceFault, Window
from harness.record import PlannedWindow, Scalar

PHASES = ("run", "baseline", "faults", "recovery")


@dataclass(frozen=True, slots=True)
class Step:
    """Inject or heal the window of that index, at that second of the run's clock."""

    at_s: float
    action: str
    window: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run of a scenario does. `windows` are as the manifest keeps them, `faults` what to inject, by index.

    With `calm_max_s` each window but the first waits, at most so long, until the stack is back from the one before;
    what follows is later by as much. Without it every step keeps its time. No window is begun later than
    `begin_within_s` after the run, the start of its stack included: the run ends then. With `ledger` the load process
    keeps a ledger of the writes.
    """

    name: str
    scenario: Scenario
    windows: tuple[PlannedWindow, ...]
    faults: tuple[Fault, ...]
    steps: tuple[Step, ...]
    calm_max_s: float | None = None
    begin_within_s: float = math.inf
    ledger: bool = False

    @property
    def load_end_s(self) -> float:
        """When the load ends at the latest."""
        return self.scenario.end_s + (self.calm_max_s or 0.0) * len(self.windows)

    @property
    def baseline_end_s(self) -> float:
        """Where the baseline ends: at the first window, or with the run."""
        return min((window.start_s for window in self.windows), default=self.scenario.end_s)

    def phase_at(self, at_s: float, faulty: bool) -> str:
        """The phase at a second of the clock, in a word for the live view; `faulty` while a fault is in."""
        if at_s < 0:
            return "warm-up"
        if faulty:
            return "fault"
        if at_s < self.baseline_end_s:
            return "baseline"
        return "recovery" if at_s >= max((w.end_s for w in self.windows), default=0.0) else "between faults"


def plan(name: str, scenario: Scenario) -> Plan:
    """The plan of a scenario. At one time, heals come before injections.

    Raises ValueError for a check of a phase that will not be, and for a window with the name of a phase.
    """
    windows = sorted(scenario.faults, key=lambda window: (window.start_s, window.end_s))
    names = _distinct(_name_of(window) for window in windows)
    for taken in sorted({*PHASES} & {*names}):
        raise ValueError(f"a window is called {taken!r}, which is the name of a phase; give it another name")
    for check in scenario.checks:
        for phase in (getattr(check, "phase", None), getattr(check, "after", None)):
            if isinstance(phase, str) and phase not in (*PHASES, *names):
                allowed = one_of("phase", phase, [*PHASES, *names], where="this scenario")
                raise ValueError(f"{kind_of(check)}: {allowed}")
    steps = [Step(window.start_s, "inject", index) for index, window in enumerate(windows)]
    steps += [Step(window.end_s, "heal", index) for index, window in enumerate(windows)]
    return Plan(
        name=name,
        scenario=scenario,
        windows=tuple(_planned(window, named) for window, named in zip(windows, names, strict=True)),
        faults=tuple(window.fault for window in windows),
        steps=tuple(sorted(steps, key=lambda step: (step.at_s, step.action != "heal", step.window))),
    )


def check_in_words(check: Check, scenario: Scenario) -> str:
    """What a check asks. Where there is no fault, one of the fault windows asks it of the whole run."""
    if not scenario.faults and is_dataclass(check) and getattr(check, "phase", None) == "faults":
        return str(replace(check, phase="run"))
    return str(check)


def kind_of(thing: object) -> str:
    """The name of a fault's or a check's type in words: SlowClose is `slow close`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type(thing).__name__).lower()


def parameters_of(thing: object, *, without: tuple[str, ...] = ()) -> dict[str, Scalar]:
    """The fields of a fault that say how much, by name."""
    if not is_dataclass(thing):
        return {}
    values = {one.name: getattr(thing, one.name) for one in fields(thing) if one.name not in without}
    return {name: value for name, value in values.items() if isinstance(value, str | int | float | bool | None)}


def _name_of(window: Window) -> str:
    link, service, _ = _place(window.fault)
    return window.name or f"{kind_of(window.fault)} {link or service or ''}".strip()


def _place(fault: Fault) -> tuple[str | None, str | None, bool]:
    """(link, service, whether nothing crosses while it is in)."""
    if isinstance(fault, LinkFault):
        return fault.link, None, fault.cuts
    if isinstance(fault, ServiceFault):
        return None, fault.service, fault.cuts
    return None, None, False


def _distinct(names: Iterable[str]) -> list[str]:
    """Each name once: the second of a name is `name (2)`."""
    counts: dict[str, int] = {}
    out = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        out.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return out


def _planned(window: Window, name: str) -> PlannedWindow:
    fault = window.fault
    link, service, cuts = _place(fault)
    return PlannedWindow(
        name=name,
        fault=kind_of(fault),
        start_s=float(window.start_s),
        end_s=float(window.end_s),
        link=link,
        service=service,
        cuts=cuts,
        parameters=parameters_of(fault, without=("link", "service")),
        http=isinstance(fault, HttpFault),
    )


# ---------------------------------------------------------------------------------------------------------- in words


def load_in_words(load: Load) -> str:
    """The load in a phrase: `shop.py, 60 requests/s`."""
    if load.users is not None:
        how = f"{load.users} users"
    elif load.rate_per_s is not None:
        how = f"{load.rate_per_s:g} requests/s"
    elif load.ramp is not None:
        how = f"{load.ramp[0]:g} to {load.ramp[1]:g} requests/s over {load.ramp[2]:g} s"
    elif load.steps is not None:
        how = ", ".join(f"{rate:g} requests/s for {for_s:g} s" for rate, for_s in load.steps)
    else:
        how = "its own load shape"
    return f"{load.locustfile}, {how}"


def fault_in_words(window: PlannedWindow) -> str:
    """The fault in a phrase: `latency on api-payments, delay_ms 2000`."""
    parameters = ", ".join(f"{name} {value}" for name, value in window.parameters.items() if value not in (0, "", None))
    where = f" on {window.link or window.service}" if window.link or window.service else ""
    return f"{window.fault}{where}" + (f", {parameters}" if parameters else "")


def timeline(one: Plan, *, width: int = 60) -> str:
    """The plan as a drawing: a row for each phase, on one axis of `width` columns from 0 to the end."""
    end_s = one.scenario.end_s
    rows = [("baseline", 0.0, one.baseline_end_s, "")]
    rows += [(window.name, window.start_s, window.end_s, fault_in_words(window)) for window in one.windows]
    if one.windows:
        rows.append(("recovery", max(window.end_s for window in one.windows), end_s, ""))
    label = max(len(name) for name, *_ in rows)
    lines = [f"{'s':>{label}}  {_axis(end_s, width)}"]
    for name, start_s, stop_s, what in rows:
        left, right = round(start_s / end_s * width), round(stop_s / end_s * width)
        bar = " " * left + "━" * max(1, right - left)
        lines.append(f"{name:>{label}}  {bar:<{width}}  {start_s:g}-{stop_s:g} s  {what}".rstrip())
    return "\n".join(lines)


def _axis(end_s: float, width: int) -> str:
    axis = [" "] * (width + 8)
    for tick in range(5):
        text = f"{end_s * tick / 4:.0f}"
        at = round(width * tick / 4)
        axis[at : at + len(text)] = text
    return "".join(axis).rstrip()
