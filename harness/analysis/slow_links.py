"""What a broken link cost: what each endpoint lost while one link alone was slow, and which went down with one."""

from __future__ import annotations

import numpy as np

from harness.analysis.amounts import percent
from harness.analysis.figures import endpoints
from harness.analysis.phases import Mask, in_phase, select
from harness.analysis.readings import Topology, listed, plain
from harness.record import Finding, History, Outcome, Phase, PlannedWindow, Scalar

LOST_MS_MIN = 5.0
"""A mean that moved by less is not worth a finding."""
LOST_ERRORS_MIN = 4.0
"""Standard errors of the difference that it must have moved by."""
OK_MIN = 0.95
"""Where fewer are ok the requests were cut short, and time says nothing of how often they crossed the link."""
DOWN = 0.5
"""An endpoint whose share of ok requests falls below this goes down with the link; one that keeps OK_MIN of its share
goes on; what lies between is said with its numbers."""


def slow_links(history: History, topology: Topology) -> list[Finding]:
    """A finding for each window that broke one link alone."""
    found = []
    for window in history.windows:
        if window.link not in topology.links or not _alone(history, window):
            continue
        finding = _went_down(history, window, topology) or _lost(history, window, topology)
        if finding is not None:
            found.append(finding)
    return found


def serial_traversals(history: History, link: str, endpoint: str) -> float | None:
    """How often one after another a request crosses the link: what it lost by the delay. None without a window."""
    for window in history.windows:
        delay_ms = window.parameters.get("delay_ms")
        if window.link == link and isinstance(delay_ms, int | float) and delay_ms > 0 and _alone(history, window):
            before, during = _two(history, window, endpoint)
            if before is None or during is None:
                continue
            ok = (history.samples["outcome"] == Outcome.OK.value).to_numpy()
            if ok[during].mean() >= OK_MIN:
                response_ms = history.samples["response_ms"].to_numpy()
                return float(response_ms[during].mean() - response_ms[before].mean()) / float(delay_ms)
    return None


def _alone(history: History, window: PlannedWindow) -> bool:
    return not any(
        other is not window and other.start_s < window.end_s and other.end_s > window.start_s
        for other in history.windows
    )


def _two(history: History, window: PlannedWindow, endpoint: str | None) -> tuple[Mask | None, Mask | None]:
    """The samples of an endpoint in the baseline and in the window; None where there are too few."""
    baseline = [mask for _, mask in select(history, "baseline", endpoint)] if _has_baseline(history) else []
    phase = Phase(window.name, "window", window.start_s, window.end_s)
    during = in_phase(history.samples, phase, history.phases)
    if endpoint is not None:
        during = during & select(history, "run", endpoint)[0][1]
    before = baseline[0] if baseline and baseline[0].sum() >= 10 else None
    return before, during if during.sum() >= 10 else None


def _has_baseline(history: History) -> bool:
    return any(phase.kind == "baseline" for phase in history.phases)


def _went_down(history: History, window: PlannedWindow, topology: Topology) -> Finding | None:
    ok = (history.samples["outcome"] == Outcome.OK.value).to_numpy()
    refused = (history.samples["outcome"] == Outcome.FAIL.value).to_numpy()
    down: list[str] = []
    up: list[str] = []
    partly: list[str] = []
    named = lost = failed = 0
    evidence: dict[str, Scalar] = {"window": window.name, "link": window.link}
    for endpoint in endpoints(history):
        before, during = _two(history, window, endpoint)
        if before is None or during is None or ok[before].mean() < OK_MIN:
            continue
        share, not_ok = float(ok[during].mean()), int((~ok[during]).sum())
        evidence[f"{endpoint}: ok_ratio"] = round(share, 4)
        lost += not_ok
        if share < DOWN:
            down.append(endpoint)
            named += not_ok
            failed += int(refused[during].sum())
        elif share >= OK_MIN * float(ok[before].mean()):
            up.append(endpoint)
        else:
            partly.append(f"{percent(not_ok, int(during.sum()))} of {endpoint}")
    if not down or window.link is None:
        return None
    client, service = topology.links[window.link]
    others = f"; {listed(partly)} were not ok either" if partly else ""
    others += f"; {listed(up)} went on" if up else ""
    share = round(lost / max(1, len(ok)), 4)
    if window.parameters.get("delay_ms"):  # the service was there, only late: that is no proof of a dependency
        met = "mostly failed" if 2 * failed > named else "mostly got no answer"
        sentence = (
            f"{listed(down)} {met} while {window.name} was in: {_not_ok(named)}{others}. "
            f"{service} still answered, but not in time for {client}."
        )
        return Finding("slow link", window.link, sentence, share, evidence)
    others = others or ", and nothing of the load went on"
    sentence = (
        f"{listed(down)} went down with {window.link} ({window.name}: {_not_ok(named)}){others}. "
        f"{client} cannot do without {service} there."
    )
    return Finding("hard dependency", window.link, sentence, share, evidence)


def _times(traversals: float) -> str:
    """`once`, `4 times, one after another`; `0.4 times` of what only some of the requests cross."""
    if 0.75 <= traversals < 1.25:
        return "once"
    return f"{plain(round(traversals, 1))} times" + (", one after another" if traversals > 1 else "")


def _not_ok(count: int) -> str:
    return f"{count:,} requests were not ok" if count != 1 else "1 request was not ok"


def _lost(history: History, window: PlannedWindow, topology: Topology) -> Finding | None:
    response_ms = history.samples["response_ms"].to_numpy()
    ok = (history.samples["outcome"] == Outcome.OK.value).to_numpy()
    delay_ms = window.parameters.get("delay_ms")
    lost = 0.0
    untouched: list[str] = []
    clauses: list[str] = []
    evidence: dict[str, Scalar] = {"window": window.name, "link": window.link}
    for endpoint in endpoints(history):
        before, during = _two(history, window, endpoint)
        if before is None or during is None:
            continue
        a, b = response_ms[before], response_ms[during]
        more_ms = float(b.mean() - a.mean())
        error_ms = float(np.sqrt(a.var() / len(a) + b.var() / len(b)))
        evidence[f"{endpoint}: lost_ms"] = round(more_ms, 2)
        if more_ms < LOST_MS_MIN or more_ms < LOST_ERRORS_MIN * error_ms:
            untouched.append(endpoint)
            continue
        lost += more_ms * len(b)
        clause = f"{endpoint} took {plain(more_ms)} ms longer"
        if isinstance(delay_ms, int | float) and delay_ms > 0 and ok[during].mean() >= OK_MIN:
            evidence[f"{endpoint}: serial_traversals"] = round(more_ms / delay_ms, 2)
            clause += f" (it waits for {window.link} {_times(more_ms / delay_ms)})"
        clauses.append(clause)
    if not clauses or window.link is None:
        return None
    others = f"; {listed(untouched)} lost nothing" if untouched else ""
    sentence = f"While {window.name} was in, {listed(clauses)} on average{others}."
    share = lost / max(1.0, float(response_ms.sum(dtype=np.float64)))
    return Finding("slow link", window.link, sentence, round(min(1.0, share), 4), evidence)
