"""What is tried: each mutant on each good backup that it fits, with a few draws where the draw decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.backup.killrate.good import Good
from harness.backup.mutants import MUTANTS, NOOP, Mutant
from harness.backup.mutants.parts import LOGICAL

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


def trials(goods: Iterable[Good], *, thorough: bool = False) -> list[Trial]:
    """All of them, good backup by good backup: that itself, then it restored and made again, then its mutants.

    A base backup is slow to restore, and what is in its rows does not hang on its form: with a `share`, a good backup
    gets each so many of the mutants of content, and the next one the next of them; `thorough` gives all to all.
    """
    found = []
    for turn, good in enumerate(goods):
        found.append(Trial(good))
        if good.damaged:
            fitting = [one for one in (NOOP, *MUTANTS) if good.takes(one)]
            if good.share > 1 and not thorough:
                content = [one for one in fitting if one.on_content and one is not NOOP and {*LOGICAL} & {*one.formats}]
                left_out = {one.name for at, one in enumerate(content) if (at + turn) % good.share}
                fitting = [one for one in fitting if one.name not in left_out]
            found += [Trial(good, one, seed) for one in fitting for seed in range(SEEDS.get(one.name, 1))]
    return found
