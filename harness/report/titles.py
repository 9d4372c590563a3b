"""The sentences over the charts, made from the figures: what is to be seen, with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.analysis.amounts import milliseconds, percent
from harness.analysis.figures import Figures, Row
from harness.analysis.series import Usage
from harness.analysis.troubles import Trouble
from harness.record import History


def change_in_words(row: Row, before: Row | None) -> str:
    """`p95 1.01 s ×14, 1 % ok`: a row beside its baseline."""
    text = f"p95 {milliseconds(row.response.p95_ms)} {times_in_words(row, before)}".rstrip()
    return f"{text}, {percent(row.ok, row.count)} ok" if row.ok < row.count else text


def times_in_words(row: Row, before: Row | None) -> str:
    """`×14`: the p95 of a row by that of its baseline; empty where there is none."""
    if before is None or before is row or not before.response.p95_ms or row.response.p95_ms is None:
        return ""
    times = row.response.p95_ms / before.response.p95_ms
    if times >= 9.95:
        return f"×{times:,.0f}"
    return f"×{times:.1f}" if times >= 0.095 else f"×{times:.2g}"


def phases_in_words(trouble: Trouble) -> str:
    """`database gone 361, recovery 2`; `run` where there was one phase only."""
    return ", ".join(f"{name} {count:,}" for name, count in trouble.phases.items()) or "run"


def requests_title(figures: Figures, history: History) -> str:
    """What the faults did to response time, and to the share that was ok: what got no answer may have been done."""
    whole, before = figures.row("run"), figures.row("baseline")
    if whole is None or whole.count == 0:
        return "No request was sent"
    windows = [row for window in history.windows if (row := figures.row(window.name)) is not None and row.count]
    if not windows or before is None or not before.response.p99_ms:
        bad = whole.count - whole.ok
        said = f"{bad:,} were not ok" if bad else "all were ok"
        return f"p99 was {milliseconds(whole.response.p99_ms)} over {whole.count:,} requests; {said}"
    worst = max(windows, key=lambda row: ((row.count - row.ok) / row.count, row.response.p99_ms or 0))
    slowest = max(windows, key=lambda row: row.response.p99_ms or 0)
    parts = []
    if (slowest.response.p99_ms or 0) > 1.3 * before.response.p99_ms:
        was, now = milliseconds(before.response.p99_ms), milliseconds(slowest.response.p99_ms)
        parts.append(f"p99 rose from {was} to {now} in {slowest.phase}")
    else:
        parts.append(f"p99 stayed near {milliseconds(before.response.p99_ms)} in every window")
    if worst.ok < worst.count:
        where = "there" if worst is slowest else f"in {worst.phase}"
        parts.append(f"{percent(worst.count - worst.ok, worst.count)} of requests were not ok {where}")
    return "; ".join(parts)


def heatmap_title(figures: Figures) -> str:
    """Where the many lie, and the slowest."""
    whole = figures.row("run")
    if whole is None or whole.count == 0:
        return "No request was sent"
    half, most, last = whole.response.p50_ms, whole.response.p95_ms, whole.response.max_ms
    return (
        f"Half of all requests took {milliseconds(half)} or less, 95 % {milliseconds(most)}, "
        f"the slowest {milliseconds(last)}"
    )


def endpoints_title(figures: Figures, phases: Sequence[str], endpoints: Sequence[str]) -> str:
    """Which endpoint lost most, and where."""
    best: tuple[float, str] | None = None
    for endpoint in endpoints:
        before = figures.row(phases[0], endpoint)
        for phase in phases[1:]:
            row = figures.row(phase, endpoint)
            if row is None or before is None or not row.count or not before.response.p95_ms:
                continue
            times = (row.response.p95_ms or 0) / before.response.p95_ms
            if best is None or times > best[0]:
                was, now = milliseconds(before.response.p95_ms), milliseconds(row.response.p95_ms)
                best = (times, f"{endpoint} slowed most: p95 from {was} to {now} in {phase}")
    if best is None:
        row = max((r for e in endpoints if (r := figures.row(phases[0], e))), key=_p95, default=None)
        return f"{row.endpoint} was slowest: p95 {milliseconds(row.response.p95_ms)}" if row else "No request was sent"
    return best[1] if best[0] >= 1.3 else "No endpoint slowed by a third in any window"


def usage_title(cpu: Sequence[Usage], end_s: float) -> str:
    """Who used most of the processor."""
    means = {}
    for one in cpu:
        inside = one.value[(one.at_s >= 0) & (one.at_s <= end_s)]
        if len(inside):
            means[one.subject] = float(np.mean(inside))
    services = {name: mean for name, mean in means.items() if name != "generator"}
    load = f"the load generator {means['generator']:.2f}" if "generator" in means else ""
    if not services:
        return f"Of the processor {load} cores on average" if load else "Nothing was read of the services"
    most = max(services, key=lambda name: services[name])
    said = f"Of the services {most} used the most processor, {services[most]:.2f} cores on average"
    return said + (f"; {load}" if load else "")


def _p95(row: Row) -> float:
    return row.response.p95_ms or 0.0
