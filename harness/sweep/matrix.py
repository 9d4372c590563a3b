"""From the histories of a sweep to its matrix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.record import History
from harness.sweep.cells import Cell, Harm, Matrix
from harness.sweep.fact_finding import link_facts
from harness.sweep.facts import LinkFacts, joined
from harness.sweep.judging import RunCells
from harness.sweep.record import LINK, Sweep

_REASONS = {
    "complete": "the sweep ended before it",
    "interrupted": "the sweep was interrupted before it",
    "baseline": "the calm was already bad and nothing was injected",
}


def matrix(sweep: Sweep, runs: Iterable[tuple[str, History]]) -> Matrix:
    """What became of every cell, and what is known of each link.

    `runs` are (folder, history), one at a time, in the order in which they were begun.
    """
    planned = {cell.window: cell for cell in sweep.cells}
    found: dict[str, Cell] = {}
    facts: list[LinkFacts] = []
    why = "no run of it was begun"
    for name, history in runs:
        why = _ended(history)
        for mark in history.marks_of("injecting"):
            window = str(mark.data.get("window"))
            if window in planned:
                found[window] = Cell(planned[window], Harm.UNKNOWN, run=name, reason=why)  # where it was not injected
        found |= RunCells(name, history, planned).cells()
        facts += link_facts(history)
    cells = [
        found.get(cell.window) or Cell(cell, Harm.UNKNOWN, reason=f"it was not run: {why}") for cell in sweep.cells
    ]
    return Matrix(sweep=sweep, cells=tuple(_links_first(cells)), facts=joined(facts))


def _ended(history: History) -> str:
    ends = history.marks_of("end")
    if not ends:
        return "the sweep was killed before it"
    reason = str(ends[-1].data.get("reason", ""))
    return _REASONS.get(reason, reason or "the sweep ended before it")


def _links_first(cells: Sequence[Cell]) -> list[Cell]:
    return sorted(cells, key=lambda cell: cell.planned.kind != LINK)
