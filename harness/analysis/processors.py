"""Processors: a service that has used up its core, or a machine that has none to spare."""

from __future__ import annotations

import numpy as np

from harness.analysis.phases import Mask as Flags
from harness.analysis.readings import Floats, Topology, of, within
from harness.record import Finding, History, Phase, Scalar

BUSY_CORES = 0.9
"""Of one core: what a service of one thread cannot go beyond."""
BUSY_SHARE = 0.9
"""Of all cores."""
MOST = 0.5
"""The share of a phase's readings that must be so."""
READINGS_MIN = 8


def processors(history: History, topology: Topology) -> list[Finding]:
    """A finding for each service that used up a core, or for the machine that had none to spare."""
    found = []
    for service in topology.services:
        at_s, cores = of(history, service, "cpu_cores")
        worst = _worst(history.phases, at_s, cores >= BUSY_CORES)
        if worst is not None:
            phase, share = worst
            mask = within(at_s, phase.start_s, phase.end_s)
            mean = float(cores[mask].mean())
            sentence = f"{service} used {mean:.2f} cores in {phase.name}: it works as fast as its processor lets it."
            evidence: dict[str, Scalar] = {"cpu_cores": round(mean, 3), "share": round(share, 3), "phase": phase.name}
            found.append(Finding("processor", service, sentence, round(share, 4), evidence))
    machine = _machine(history, topology)
    return found + ([machine] if machine is not None else [])


def _machine(history: History, topology: Topology) -> Finding | None:
    readings = [of(history, subject, "cpu_cores") for subject in (*topology.services, "generator")]
    readings = [(at_s, cores) for at_s, cores in readings if len(at_s)]
    if not readings or topology.cpus < 1:
        return None
    end_s = max((phase.end_s for phase in history.phases), default=0.0)
    seconds = np.arange(0.5, end_s, 1.0)
    if len(seconds) < READINGS_MIN:
        return None
    total = np.sum([np.interp(seconds, at_s, cores) for at_s, cores in readings], axis=0)
    worst = _worst(history.phases, seconds, total >= BUSY_SHARE * topology.cpus)
    if worst is None:
        return None
    phase, share = worst
    mean = float(total[within(seconds, phase.start_s, phase.end_s)].mean())
    sentence = (
        f"The machine has no processor to spare in {phase.name}: stack and load together used {mean:.1f} of its "
        f"{topology.cpus} cores, so latencies are the machine's as much as the stack's."
    )
    evidence: dict[str, Scalar] = {
        "cpu_cores": round(mean, 3),
        "cpus": topology.cpus,
        "share": round(share, 3),
        "phase": phase.name,
    }
    return Finding("processor", "machine", sentence, round(share, 4), evidence)


def _worst(phases: tuple[Phase, ...], at_s: Floats, busy: Flags) -> tuple[Phase, float] | None:
    """The phase with the largest share of busy readings, where that is most of them."""
    shares = []
    for phase in phases:
        mask = within(at_s, phase.start_s, phase.end_s)
        if mask.sum() >= READINGS_MIN:
            shares.append((phase, float(busy[mask].mean())))
    if not shares:
        return None
    phase, share = max(shares, key=lambda pair: pair[1])
    return (phase, share) if share >= MOST else None
