"""What is tried: each mutant on each good backup that it fits, with a few draws where the draw decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.backup.killrate.good import Good
from harness.backup.mutants import MUTANTS, NOOP, Mutant

SEEDS = {"bit-flipped": 2, "bit-flipped-at-birth": 4, "block-zeroed-at-birth": 2, "index-flipped-at-source": 2}
"""Draws of these; one of each other."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One backup to be verified: a good one, or a mutant of it."""

    good: Good
    mutant: Mutant | None = None
    seed: int = 0

    @property
    def key(self) -> str:
        return f"{self.good.name} {self.mutant.name if self.mutant else '-'} {self.seed}"

    @property
    def is_good(self) -> bool:
        """Whether a verifier must be silent on it."""
        return self.mutant is None or self.mutant is NOOP


def trials(goods: Iterable[Good]) -> list[Trial]:
    """All of them, good backup by good backup: that itself, then it restored and made again, then its mutants."""
    found = []
    for good in goods:
        found.append(Trial(good))
        if good.damaged:
            fitting = [one for one in (NOOP, *MUTANTS) if good.takes(one)]
            found += [Trial(good, one, seed) for one in fitting for seed in range(SEEDS.get(one.name, 1))]
    return found
