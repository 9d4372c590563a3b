"""The checks that are always on: is this history good enough for any other verdict to mean something?

Each says pass or unknown, never fail: what they doubt is the measurement, not the stack.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from harness.analysis.phases import in_phase
from harness.analysis.quantiles import quantile, quantiles
from harness.checks.parts import SAMPLES_MIN
from harness.checks.points import counted
from harness.record import NS_PER_S, History, PlannedWindow, Scalar, Verdict, Word

LAG_P99_MS_MAX = 20.0
"""How late arrivals may start, p99 (docs/load.md). Lateness adds to response times and never takes from them, so what
passes would pass without it; machines that are shared read up to 15 in calm."""
LATE_MIN, LAG_FEW_MS_MAX = 5, 100.0
"""In a short phase one hiccup of the machine is a p99: fewer late arrivals than these are borne up to this bound."""
CPU_CORES_MAX = 0.9
"""What the load process may use of its one core, in nine of ten seconds."""
LATE_MS_MAX, LATE_SHARE_MAX = 200.0, 0.02
"""How late a fault may go in or out: this, or this share of its window, whichever is more."""
SERVICE_LATE_MS_MAX = 2000.0
"""The same for a fault on a service: to start a container takes an engine some hundred milliseconds, on a busy machine
more than a second, and that is the stack's own time."""
LEAD_UP_S = 5.0
"""How long before a link is closed its traffic is looked for."""
CROSSING = ("received_bytes", "sent_bytes", "round_trips")
"""The totals of a link of which any may tell: that of bytes stands still for a while after many connections ended."""
BYPASSED, UNCHECKED = "bypass_connections", "bypass_unchecked"

RUN_COMPLETE, ENOUGH_SAMPLES, GENERATOR_HONEST = "Run complete", "Enough samples", "Generator honest"
FAULTS_ON_TIME, FAULT_FELT = "Faults on time", "Fault felt"
TRUST = frozenset({RUN_COMPLETE, ENOUGH_SAMPLES, GENERATOR_HONEST, FAULTS_ON_TIME, FAULT_FELT})
"""The names of their verdicts, up to a colon."""


def trust(history: History) -> Iterator[Verdict]:
    """The verdicts of all of them."""
    yield run_complete(history)
    yield enough_samples(history)
    yield generator_honest(history)
    if history.windows:
        yield faults_on_time(history)
    for window in history.windows:
        if window.link is not None or window.service is not None:
            yield fault_felt(history, window)


def run_complete(history: History) -> Verdict:
    """The run went on to its planned end."""
    ends = history.marks_of("end")
    if not ends:
        return Verdict(RUN_COMPLETE, Word.UNKNOWN, "The run was cut short: its history has no end.", {})
    reason = str(ends[-1].data.get("reason", ""))
    if reason != "complete":
        said = {"baseline": "the baseline was bad and nothing was injected", "interrupted": "it was interrupted"}
        return Verdict(RUN_COMPLETE, Word.UNKNOWN, f"The run ended early: {said.get(reason, reason)}.", {})
    return Verdict(RUN_COMPLETE, Word.PASS, f"The run went on to its end at {ends[-1].at_s or 0:.0f} s.", {})


def enough_samples(history: History) -> Verdict:
    """Every phase holds enough requests to say anything of it."""
    counts = {phase.name: int(in_phase(history.samples, phase, history.phases).sum()) for phase in history.phases}
    thin = {name: count for name, count in counts.items() if count < SAMPLES_MIN}
    if not counts:
        return Verdict(ENOUGH_SAMPLES, Word.UNKNOWN, "The run has no phase: it ended before its first request.", {})
    if thin:
        listed = ", ".join(f"{name} {count}" for name, count in thin.items())
        sentence = f"Too few requests in some phases ({listed}); {SAMPLES_MIN} are needed in each."
        return Verdict(ENOUGH_SAMPLES, Word.UNKNOWN, sentence, counts)
    least = min(counts, key=lambda name: counts[name])
    sentence = f"Every phase holds enough requests; the least is {counts[least]:,} in {least}."
    return Verdict(ENOUGH_SAMPLES, Word.PASS, sentence, counts)


def generator_honest(history: History) -> Verdict:
    """The load process sent what it was asked to send, when it was asked to."""
    cpu = _generator(history.resources, "cpu_cores")
    if not len(cpu):
        return Verdict(GENERATOR_HONEST, Word.UNKNOWN, "Nothing is known of the load process: it was not heard.", {})
    cpu_p90 = quantile(cpu, 0.9)
    dropped_sum = float(_generator(history.resources, "dropped").sum())
    lag_p99_ms, lag_ms = _lags_ms(history) if history.load_model == "open" else (0.0, 0.0)
    evidence = {"lag_p99_ms": round(lag_p99_ms, 3), "dropped": dropped_sum, "cpu_cores_p90": round(cpu_p90, 3)}
    wrong = []
    if lag_ms > LAG_P99_MS_MAX or lag_p99_ms > LAG_FEW_MS_MAX:
        wrong.append(
            f"arrivals started late by {lag_p99_ms:.1f} ms (p99; at most {LAG_P99_MS_MAX:g} ms): the machine is busy "
            "with something else, or the rate is too much for it"
        )
    if dropped_sum:
        wrong.append(f"{dropped_sum:,.0f} arrivals found every user busy and were dropped; raise users_max")
    if cpu_p90 > CPU_CORES_MAX:
        wrong.append(f"it used {cpu_p90:.2f} of its one core (at most {CPU_CORES_MAX:g}); lower the rate")
    if wrong:
        return Verdict(GENERATOR_HONEST, Word.UNKNOWN, f"Generator-limited: {'; '.join(wrong)}.", evidence)
    if history.load_model == "open":
        few = f" (but fewer than {LATE_MIN} so late in any phase)" if lag_p99_ms > LAG_P99_MS_MAX else ""
        how = f"started arrivals {lag_p99_ms:.1f} ms late at p99{few}, dropped none"
    else:
        how = f"drove its users as a {history.load_model} model"
    sentence = f"The load process {how} and used {cpu_p90:.2f} of its core."
    return Verdict(GENERATOR_HONEST, Word.PASS, sentence, evidence)


def _lags_ms(history: History) -> tuple[float, float]:
    """How late arrivals started in the worst phase, since a long calm must not thin out a bad window: (p99, the same
    or what LATE_MIN of them exceed, where that is less)."""
    late_ms = history.samples["response_ms"].to_numpy() - history.samples["service_ms"].to_numpy()
    masks = [in_phase(history.samples, phase, history.phases) for phase in history.phases]
    phases = [late_ms[mask] for mask in masks if mask.sum() >= SAMPLES_MIN]
    found = [quantiles(one, (0.99, min(0.99, 1 - LATE_MIN / len(one)))) for one in phases]
    return max((p99 for p99, _ in found), default=0.0), max((some for _, some in found), default=0.0)


def faults_on_time(history: History) -> Verdict:
    """Each fault went in and out when it was planned, so that its window means what it says."""
    late_ms: dict[str, float] = {}
    for mark in (*history.marks_of("injected"), *history.marks_of("healed")):
        name, late = str(mark.data.get("window")), mark.data.get("late_ms")
        if isinstance(late, int | float):
            late_ms[name] = max(late_ms.get(name, 0.0), float(late))
    allowed = {
        one.name: max(
            SERVICE_LATE_MS_MAX if one.service else LATE_MS_MAX, 1000 * LATE_SHARE_MAX * (one.end_s - one.start_s)
        )
        for one in history.windows
    }
    bad = {name: late for name, late in late_ms.items() if late > allowed.get(name, LATE_MS_MAX)}
    worst = max(late_ms.values(), default=0.0)
    evidence = {"late_ms_max": round(worst, 3)}
    if bad:
        listed = ", ".join(f"{name} by {late:,.0f} ms" for name, late in bad.items())
        sentence = f"Faults went in or out late ({listed}), so their windows are not what was planned."
        return Verdict(FAULTS_ON_TIME, Word.UNKNOWN, sentence, evidence)
    return Verdict(FAULTS_ON_TIME, Word.PASS, f"Faults went in and out within {worst:.0f} ms of plan.", evidence)


def fault_felt(history: History, window: PlannedWindow) -> Verdict:
    """Traffic met the fault while it was in; before it, where nothing can cross while it is.

    Traffic is what crossed the link; for a service, any of its links, or what the load sent to it. A service that ended
    under a fault that was not meant to end it has felt it, too.
    """
    name = f"{FAULT_FELT}: {window.name}"
    start_s, end_s = window.start_s, window.end_s
    for mark in history.marks_of("fell"):
        if mark.data.get("service") == window.service and start_s <= (mark.at_s or 0.0) <= end_s:
            return Verdict(name, Word.PASS, f"{window.service} ended under it at {mark.at_s:.1f} s.", {})
    when = f"while {window.name} was in"
    where = window.link or window.service or ""
    past = _readings(history.resources, window.link or "", BYPASSED, start_s, end_s)
    if past.sum() > 0:
        sentence = f"Up to {past.max():.0f} connections went past {where} {when}, so what they felt is not the fault's."
        return Verdict(name, Word.UNKNOWN, sentence, {BYPASSED: float(past.max()), "where": where})
    if window.http:
        return _met_by_requests(history, window, name, when)
    unseen = _readings(history.resources, window.link or "", UNCHECKED, start_s, end_s).any()
    if window.cuts:
        end_s = _first_cut_s(history, window)
        start_s, when = end_s - LEAD_UP_S, f"in the {LEAD_UP_S:g} s before it was {'closed' if window.link else 'gone'}"
    if where == history.entry:
        intended = history.samples["intended_ns"].to_numpy()
        count = int(((intended >= start_s * NS_PER_S) & (intended < end_s * NS_PER_S)).sum())
        if count:
            return Verdict(name, Word.PASS, f"{count:,} requests went to {where} {when}.", {"requests": count})
    crossed = dict.fromkeys(CROSSING, 0.0)
    known = False
    for link in _links_of(history, window):
        for total in CROSSING:
            read = _readings(history.resources, link, total, start_s, end_s)
            if len(read) > 1:
                known = True
                crossed[total] += float(read[-1] - read[0])
    if not known:
        sentence = f"Nothing is known of the traffic on {where} {when}: no link of it was being read."
        return Verdict(name, Word.UNKNOWN, sentence, {})
    evidence: dict[str, Scalar] = {"crossed_bytes": crossed["received_bytes"], "where": where}
    if not any(value > 0 for value in crossed.values()):
        sentence = f"No traffic crossed {where} {when}, so the fault hit nothing; send load that needs it."
        return Verdict(name, Word.UNKNOWN, sentence, evidence)
    kilobytes = max(crossed["received_bytes"], crossed["sent_bytes"]) / 1000
    but = "; whether any went past it could not be checked, as its client is not seen from here" if unseen else ""
    return Verdict(name, Word.PASS, f"{kilobytes:,.1f} kB crossed {where} {when}{but}.", evidence)


def _met_by_requests(history: History, window: PlannedWindow, name: str, when: str) -> Verdict:
    """A fault on HTTP is felt by requests, not by what crosses: a rule that answers lets nothing through."""
    attempts, count = history.attempts, 0
    if attempts is not None:
        there = (attempts["link"] == window.link) & (attempts["started_s"] < window.end_s)
        count = int((there & (attempts["ended_s"] > window.start_s) & (attempts["injected"] != "")).sum())
    if count:
        return Verdict(
            name, Word.PASS, f"{counted(count, 'request')} on {window.link} met {window.name}.", {"requests": count}
        )
    sentence = f"No request on {window.link} met it {when}; send load that needs the link, and look at method and path."
    return Verdict(name, Word.UNKNOWN, sentence, {"requests": 0})


def _first_cut_s(history: History, window: PlannedWindow) -> float:
    """Where the unbroken row of windows begins that `window` is in, and in which nothing crossed its place."""
    first_s, place = window.start_s, _links_of(history, window)
    cuts = [one for one in history.windows if one.cuts and (place & _links_of(history, one) or _same(one, window))]
    while earlier := [one.start_s for one in cuts if one.start_s < first_s <= one.end_s]:
        first_s = min(earlier)
    return first_s


def _links_of(history: History, window: PlannedWindow) -> set[str]:
    """The links that a fault at its place can close: its own, or all of its service."""
    if window.link is not None:
        return {window.link}
    return {link for link, ends in history.links.items() if window.service in ends}


def _same(one: PlannedWindow, other: PlannedWindow) -> bool:
    return (one.link, one.service) == (other.link, other.service)


def _readings(
    resources: pd.DataFrame | None, subject: str, metric: str, start_s: float, end_s: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if resources is None:
        return np.empty(0)
    wanted = (resources["subject"] == subject) & (resources["metric"] == metric)
    found = resources[wanted & (resources["at_s"] >= start_s) & (resources["at_s"] <= end_s)]
    return found.sort_values("at_s")["value"].to_numpy(dtype=np.float64)


def _generator(resources: pd.DataFrame | None, metric: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return _readings(resources, "generator", metric, 0.0, float("inf"))
