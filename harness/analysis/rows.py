"""What became of the rows that a source offered: their flow, from the evidence of the check that accounts for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from harness.record import Scalar


@dataclass(frozen=True, slots=True)
class RowFlow:
    """Each row that was offered came to one end; `twice` counts those of the loaded that were loaded again."""

    offered: int
    loaded: int = 0
    quarantined: int = 0
    rejected: int = 0
    deduplicated: int = 0
    lost: int = 0
    twice: int = 0

    @property
    def ends(self) -> dict[str, int]:
        """Where rows came to, by name; only where some did."""
        names = ("loaded", "quarantined", "rejected", "deduplicated", "lost")
        return {name: count for name in names if (count := getattr(self, name))}


def row_flow(evidence: Mapping[str, Scalar]) -> RowFlow | None:
    """The flow that a verdict's evidence tells. None where it tells of no row."""
    numbers = {one.name: evidence.get(one.name) for one in fields(RowFlow)}
    told = {name: int(value) for name, value in numbers.items() if isinstance(value, int | float) and value >= 0}
    return RowFlow(**told) if told.get("offered") else None
