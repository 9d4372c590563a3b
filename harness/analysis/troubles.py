"""Why requests were not ok: the most frequent errors and statuses of each endpoint, and the phases they fell in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.analysis.amounts import percent
from harness.analysis.phases import in_phase
from harness.record import History, Outcome

ROWS_MAX = 8
WORTH_A_LINE = 0.01
"""Where a smaller share of requests was not ok, a terminal says nothing of it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What `count` requests of an endpoint met. `phases` counts those of each phase, the most first: one that fell into
    two windows is in both, one between two windows in none."""

    endpoint: str
    what: str
    outcome: str
    count: int
    phases: Mapping[str, int]

    def in_words(self) -> str:
        """`HTTP 503 (361, POST /checkout)`."""
        return f"{self.what} ({self.count:,}, {self.endpoint})"


def troubles(history: History) -> tuple[Trouble, ...]:
    """The most frequent first, ROWS_MAX of them at most."""
    samples = history.samples[(history.samples["outcome"] != Outcome.OK.value).to_numpy()]
    if samples.empty:
        return ()
    keys = np.stack(
        [
            samples["endpoint"].cat.codes.to_numpy(np.int64),
            samples["error"].cat.codes.to_numpy(np.int64),
            samples["status"].to_numpy(np.int64),
            samples["outcome"].cat.codes.to_numpy(np.int64),
        ]
    )
    kinds, kind_of, counts = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    kind_of = kind_of.ravel()
    names = {}
    for index, (endpoint, error, status, outcome) in enumerate(kinds.T.tolist()):
        texts = [str(samples[name].cat.categories[code]) for name, code in (("endpoint", endpoint), ("error", error))]
        what = texts[1] or (f"HTTP {status}" if status else "no answer")
        names[index] = (texts[0], what, str(samples["outcome"].cat.categories[outcome]))
    several = len(history.phases) > 1
    masks = [(one.name, in_phase(samples, one, history.phases)) for one in history.phases] if several else []
    found = []
    for index in sorted(names, key=lambda one: (-counts[one], names[one]))[:ROWS_MAX]:
        mine = kind_of == index
        by_phase = {name: count for name, mask in masks if (count := int((mask & mine).sum()))}
        most_first = dict(sorted(by_phase.items(), key=lambda pair: -pair[1]))
        found.append(Trouble(*names[index], int(counts[index]), most_first))
    return tuple(found)


def in_one_line(found: tuple[Trouble, ...], ok: int, count: int) -> str:
    """For a terminal: how many were not ok, and what they met most often. Empty where it was hardly any."""
    if not found or count - ok <= WORTH_A_LINE * count:
        return ""
    return f"{percent(count - ok, count)} of {count:,} requests were not ok; most frequent: {found[0].in_words()}"
