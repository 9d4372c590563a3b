"""Which faults a sweep puts in, for how long, and what it leaves out first when time is short. Pure.

Every link is slowed twice, cut, silenced and reset; every service is killed and frozen. The catalogue is pinned: two
sweeps of one stack ask the same.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.errors import ScenarioError
from harness.faults.blackhole import Blackhole
from harness.faults.freeze import Freeze
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.outage import Outage
from harness.faults.reset import Reset
from harness.model import Fault
from harness.plan import kind_of, parameters_of
from harness.sweep.record import LINK, SERVICE, LeftOut, PlannedCell

WINDOW_S, SILENT_WINDOW_S = 12.0, 20.0
"""How long a fault is in; longer where it must be seen that a client waits and waits."""
BASELINE_S, WARMUP_S, CALM_S, AROUND_S = 12.0, 3.0, 2.0, 15.0
"""Beside the windows: what comes before the first, the calm after each, and starting and ending the stack."""
LEAST_S = AROUND_S + WARMUP_S + BASELINE_S + WINDOW_S + CALM_S
"""What the shortest sweep takes."""

TELLING = ("outage", "blackhole", "latency 2000 ms", "kill", "freeze", "latency 100 ms", "reset")
"""Columns by how much they tell, most first: a short sweep keeps the first."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A cell as it is tried: what is planned, and what to inject for it."""

    planned: PlannedCell
    fault: Fault


def trials(
    links: Mapping[str, tuple[str, str]],
    services: Iterable[str],
    *,
    entry: str = "",
    jobs: Collection[str] = (),
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> tuple[tuple[Trial, ...], tuple[LeftOut, ...]]:
    """(what is tried, in order, what is left out: by --only and --skip, and where nothing could be seen).

    `links` gives (client, service) by name; `entry` is the service that the load goes to, `jobs` are those
    that are done before it begins. A pattern (`web-*`, `outage`, `latency 100 ms`) means a link, a service, a fault or
    a whole cell. Raises ScenarioError for one that means nothing, and when nothing is left.
    """
    every = [_link(name, ends, fault) for name, ends in sorted(links.items()) for fault in _link_faults(name)]
    for name in sorted(services):
        is_met = any(service == name for _, service in links.values())
        every += [_service(name, Kill(name, cut_links=is_met)), _service(name, Freeze(name))]
    for pattern in (*only, *skip):
        if not any(_meant(one.planned, pattern) for one in every):
            known = ", ".join([*sorted(links), *sorted(services), *TELLING])
            raise ScenarioError(f"{pattern!r} means no cell of this sweep; it can mean: {known}")
    reached = {entry, *(end for ends in links.values() for end in ends)}
    chosen, left = [], []
    for one in every:
        if one.planned.client in jobs or one.planned.subject in jobs:
            left.append(LeftOut(one.planned, "a job that is done before the load begins"))
        elif one.planned.service not in reached:
            left.append(LeftOut(one.planned, "no link leads to it or from it, so nothing would be seen to cross it"))
        elif only and not any(_meant(one.planned, pattern) for pattern in only):
            left.append(LeftOut(one.planned, "not among --only"))
        elif any(_meant(one.planned, pattern) for pattern in skip):
            left.append(LeftOut(one.planned, "skipped by --skip"))
        else:
            chosen.append(one)
    if not chosen:
        raise ScenarioError(f"nothing is left to be swept: {'; '.join(dict.fromkeys(one.reason for one in left))}")
    return tuple(chosen), tuple(left)


def seconds_of(chosen: Sequence[Trial]) -> float:
    """How long a sweep of these takes, as far as can be said before."""
    return AROUND_S + WARMUP_S + BASELINE_S + sum(one.planned.window_s + CALM_S for one in chosen)


def within(chosen: Sequence[Trial], budget_s: float) -> tuple[tuple[Trial, ...], tuple[LeftOut, ...]]:
    """(what fits into the budget, what does not): the least telling goes first, the last row's before the first's.

    Raises ScenarioError when not even one fits.
    """
    kept = list(chosen)
    left: list[LeftOut] = []
    for _, one in sorted(enumerate(chosen), key=lambda at: (_rank(at[1].planned), at[0]), reverse=True):
        if seconds_of(kept) <= budget_s:
            break
        kept.remove(one)
        left.append(LeftOut(one.planned, f"over the budget of {budget_s:.0f} s"))
    if not kept:
        least_s = min(seconds_of([one]) for one in chosen)
        raise ScenarioError(too_short(budget_s, least_s))
    return tuple(kept), tuple(left)


def too_short(budget_s: float, least_s: float = LEAST_S) -> str:
    """What to do about a budget in which no cell fits."""
    return f"a budget of {budget_s:.0f} s is too short for a single cell; give {least_s:.0f} s or more"


def _link_faults(link: str) -> tuple[Fault, ...]:
    return (Latency(link, delay_ms=100), Latency(link, delay_ms=2000), Outage(link), Blackhole(link), Reset(link))


def _link(name: str, ends: tuple[str, str], fault: Fault) -> Trial:
    planned = PlannedCell(
        window="",
        kind=LINK,
        subject=name,
        fault=kind_of(fault),
        window_s=SILENT_WINDOW_S if isinstance(fault, Blackhole) else WINDOW_S,
        client=ends[0],
        service=ends[1],
        parameters=parameters_of(fault, without=("link",)),
    )
    return Trial(replace(planned, window=f"{planned.column} {name}"), fault)


def _service(name: str, fault: Fault) -> Trial:
    kind = kind_of(fault)
    planned = PlannedCell(
        window=f"{kind} {name}",
        kind=SERVICE,
        subject=name,
        fault=kind,
        window_s=WINDOW_S,
        service=name,
        parameters=parameters_of(fault, without=("service",)),
    )
    return Trial(planned, fault)


def _meant(one: PlannedCell, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in (one.subject, one.fault, one.column, one.window))


def _rank(one: PlannedCell) -> int:
    return TELLING.index(one.column) if one.column in TELLING else len(TELLING)
