"""What limited the run, ranked: every family of findings is asked, the one with the largest share comes first."""

from __future__ import annotations

from harness.analysis.figures import Figures
from harness.analysis.pools import pools
from harness.analysis.processors import processors
from harness.analysis.readings import Topology
from harness.analysis.round_trips import round_trips
from harness.analysis.slow_links import slow_links
from harness.record import Finding, History

OK_MIN = 0.95
"""Where fewer of a run were ok, it is not said that nothing limited it."""


def findings(history: History, topology: Topology) -> tuple[Finding, ...]:
    """All findings of a history. Empty when nothing limited it."""
    if history.samples.empty or not history.phases:
        return ()
    found = [
        *round_trips(history, topology),
        *pools(history, topology),
        *slow_links(history, topology),
        *processors(history, topology),
    ]
    return tuple(sorted(found, key=lambda finding: (-finding.share, finding.kind, finding.subject)))


def none_in_words(figures: Figures, topology: Topology) -> str:
    """The sentence for a run without findings, with the numbers that show it."""
    whole = figures.row("run")
    if whole is None or whole.count == 0:
        return "There was no load, so nothing could be limited."
    p99 = f"p99 {whole.response.p99_ms:,.0f} ms" if whole.response.p99_ms is not None else "no latency"
    links = (
        f", and no link of {len(topology.links)} was crossed in a loop or short of connections"
        if topology.links
        else ""
    )
    if whole.ok < OK_MIN * whole.count:
        return (
            f"No bottleneck was seen, but that says little: {whole.ok:,} of {whole.count:,} requests were ok. "
            "Look first at what they met."
        )
    return (
        f"Nothing limited this run: {whole.ok:,} of {whole.count:,} requests were ok with {p99}, no service used up "
        f"its processor{links}."
    )
