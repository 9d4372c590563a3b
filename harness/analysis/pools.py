"""Pools: a client that has too few connections to a service, so that its requests wait for one another.

A pool shows from outside as a number of connections that never changes, whatever the load and the faults do. It limits
where all of them are busy at once.
"""

from __future__ import annotations

import numpy as np

from harness.analysis.phases import in_phase
from harness.analysis.readings import Topology, of, plain, whole_phases, within
from harness.record import Finding, History, Phase, Scalar

ALL_BUSY_MIN = 0.15
"""The share of readings in which every connection is busy from which on a pool is worth a finding."""
SATURATED = 0.5
READINGS_MIN = 12
CONNECTIONS_MAX = 200
SETTLE_S = 1.0
"""After a phase begins: connections may be coming back."""


def pools(history: History, topology: Topology) -> list[Finding]:
    """A finding for each link whose client has too small a pool."""
    return [
        finding
        for link, (client, service) in topology.links.items()
        if (finding := _pool(history, link, client, service)) is not None
    ]


def _pool(history: History, link: str, client: str, service: str) -> Finding | None:
    at_s, connections = of(history, link, "connections")
    _, busy = of(history, link, "busy_connections")
    phases = _pieces(whole_phases(history, link))
    readings = [(one, within(at_s, one.start_s + SETTLE_S, one.end_s)) for one in phases]
    readings = [(one, mask) for one, mask in readings if mask.sum() >= READINGS_MIN]
    if not readings or len(busy) != len(connections):
        return None
    size = int(max(connections[mask].max() for _, mask in readings))
    pinned = all(np.median(connections[mask]) == size for _, mask in readings)
    if not pinned or not 0 < size <= CONNECTIONS_MAX or len(readings) < 2:
        return None
    phase, all_busy = max(
        ((one, float((busy[mask] >= size).mean())) for one, mask in readings), key=lambda pair: pair[1]
    )
    if all_busy < ALL_BUSY_MIN:
        return None
    in_flight = _in_flight(history, phase)
    waiting = max(0.0, in_flight - size)
    connection = "1 connection" if size == 1 else f"{size} connections"
    evidence: dict[str, Scalar] = {
        "link": link,
        "connections": size,
        "all_busy_share": round(all_busy, 4),
        "in_flight": round(in_flight, 2),
        "phase": phase.name,
    }
    verb = "it was" if size == 1 else "all were"
    sentence = f"{client} has only {connection} to {service}; {verb} busy in {all_busy:.0%} of readings in {phase.name}"
    if all_busy >= SATURATED and waiting >= 1:
        sentence += f", while {plain(waiting)} requests on average waited for the pool or beyond it. Make it larger."
    else:
        sentence += f". At about {1 / all_busy:.1f} times this load it is the limit: make the pool larger."
    return Finding("pool", link, sentence, round(all_busy, 4), evidence)


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
