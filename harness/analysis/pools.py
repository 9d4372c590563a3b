"""Pools: a client that has too few connections to a service, so that its requests wait for one another.

A pool shows from outside as a number of connections that never changes, whatever the load and the faults do. It limits
where all of them are in use while more requests are under way than it has connections. How much they are in use has two
witnesses: the kernel, which sees a connection that waits for an answer (answers of a few milliseconds it may miss), and
where a window slowed the link, its round trips times the delay that each of them surely took.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.analysis.phases import in_phase
from harness.analysis.readings import Topology, of, on_link, plain, whole_phases, within
from harness.record import Finding, History, Phase, Scalar

SATURATED = 0.85
"""Of the time: a pool whose connections are in use for more has none to spare."""
FEW = 2
"""A pool of so few lets a client's requests queue for one another under any load."""
ROUND_TRIPS_MIN_PER_S = 10
READINGS_MIN = 12
CONNECTIONS_MAX = 200
SETTLE_S = 1.0
"""After a phase begins: connections may be coming back."""
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """A pool in one phase: its size, the least share of time that it was in use, the requests in flight."""

    phase: Phase
    size: int
    pinned: bool
    used: float
    in_flight: float

    @property
    def saturated(self) -> bool:
        return self.used >= SATURATED and self.in_flight >= 2 * self.size


def pools(history: History, topology: Topology) -> list[Finding]:
    """A finding for each link whose client has too small a pool."""
    return [
        finding
        for link, (client, service) in topology.links.items()
        if (finding := _pool(history, link, client, service)) is not None
    ]


def _pool(history: History, link: str, client: str, service: str) -> Finding | None:
    seen = [one for phase in _pieces(whole_phases(history, link)) if (one := _look(history, link, phase)) is not None]
    size = max((one.size for one in seen), default=0)
    if len(seen) < 2 or not 0 < size <= CONNECTIONS_MAX or not all(one.pinned and one.size == size for one in seen):
        return None
    connections = "1 connection" if size == 1 else f"{size} connections"
    worst = max(seen, key=lambda one: (one.saturated, one.used))
    evidence: dict[str, Scalar] = {
        "link": link,
        "connections": size,
        "phase": worst.phase.name,
        "used_share": round(worst.used, 4),
        "in_flight": round(worst.in_flight, 2),
    }
    if worst.saturated:
        waiting = worst.in_flight - size
        sentence = (
            f"{client} has only {connections} to {service}; in {worst.phase.name} "
            f"{'it was' if size == 1 else 'they were'} in use {100 * worst.used:.0f} % of the time while "
            f"{plain(waiting)} more requests were under way: they waited for the pool. Make it larger."
        )
        return Finding("pool", link, sentence, round(worst.used, 4), evidence)
    crossed_per_s = _round_trips_per_s(history, link)
    if size > FEW or crossed_per_s < ROUND_TRIPS_MIN_PER_S or (peak := _peak_in_flight(history)) <= 2 * size:
        return None
    evidence |= {"round_trips_per_s": round(crossed_per_s, 1), "peak_in_flight": peak}
    sentence = (
        f"{client} has only {connections} to {service} for {plain(crossed_per_s)} round trips a second and up to "
        f"{peak} requests at once: they go one after another. Little was lost yet; "
        f"much will be as soon as {service} is slower."
    )
    return Finding("pool", link, sentence, round(worst.used, 4), evidence)


def _look(history: History, link: str, phase: Phase) -> _Seen | None:
    at_s, connections = of(history, link, "connections")
    busy = of(history, link, "busy_connections")[1]
    mask = within(at_s, phase.start_s + SETTLE_S, phase.end_s)
    total = float(connections[mask].sum())
    if mask.sum() < READINGS_MIN or total == 0 or len(connections) != len(busy):
        return None
    size = int(connections[mask].max())
    crossed = of(history, link, "round_trips")[1][mask]
    per_s = float(crossed[-1] - crossed[0]) / float(at_s[mask][-1] - at_s[mask][0])
    return _Seen(
        phase=phase,
        size=size,
        pinned=bool(np.median(connections[mask]) == size),
        used=min(1.0, max(float(busy[mask].sum()) / total, per_s * _delay_s(history, link, phase) / size)),
        in_flight=_in_flight(history, phase),
    )


def _delay_s(history: History, link: str, phase: Phase) -> float:
    """What each round trip surely took in that phase: the delay of the latency window that it is."""
    for window in on_link(history, link):
        delay_ms = window.parameters.get("delay_ms")
        if window.name == phase.name and isinstance(delay_ms, int | float):
            return float(delay_ms) / 1000
    return 0.0


def _round_trips_per_s(history: History, link: str) -> float:
    at_s, total = of(history, link, "round_trips")
    return float(total[-1] - total[0]) / float(at_s[-1] - at_s[0]) if len(at_s) > 1 else 0.0


def _peak_in_flight(history: History) -> int:
    """The most requests that were in the stack at once, by the millisecond; counted, since sorting them all is slow."""
    begun, ended = (
        np.bincount(history.samples[name].to_numpy() // NS_PER_MS) for name in ("intended_ns", "answered_ns")
    )
    length = max(len(begun), len(ended))
    begun, ended = np.pad(begun, (0, length - len(begun))), np.pad(ended, (0, length - len(ended)))
    return int((np.cumsum(begun) - np.cumsum(ended)).max(initial=0))


def _pieces(phases: list[Phase]) -> list[Phase]:
    """A run of one phase alone is cut in four, so that a pool can be told from connections that come and go."""
    if len(phases) != 1:
        return phases
    only = phases[0]
    quarter_s = only.length_s / 4
    return [
        Phase(only.name, only.kind, only.start_s + i * quarter_s, only.start_s + (i + 1) * quarter_s) for i in range(4)
    ]


def _in_flight(history: History, phase: Phase) -> float:
    """Little's law: the requests that were in the stack at once, on average."""
    mask = in_phase(history.samples, Phase(phase.name, "window", phase.start_s, phase.end_s), history.phases)
    total_s = float(history.samples["response_ms"].to_numpy()[mask].sum(dtype=np.float64)) / 1000
    return total_s / phase.length_s if phase.length_s else 0.0
