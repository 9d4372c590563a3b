"""The requests of a history by their intended starts, cut by time and by endpoint without looking at all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.analysis.phases import Mask
from harness.record import CUT_OFF, NS_PER_S, History, Outcome

Floats = np.ndarray[Any, np.dtype[np.float64]]
Codes = np.ndarray[Any, np.dtype[Any]]


LEFT = re.compile(rf"time[d ]*-?out|{CUT_OFF}", re.IGNORECASE)
"""In the error of a request that its own client gave up; any other without an answer was ended by the other side."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Columns of one length, rising by `intended_s`. `silent` are those that the load's own client gave up."""

    intended_s: Floats
    answered_s: Floats
    response_ms: Floats
    late_ms: Floats
    ok: Mask
    silent: Mask
    endpoint: Codes
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.intended_s)

    def of(self, mask: Mask | slice) -> Requests:
        return Requests(
            self.intended_s[mask],
            self.answered_s[mask],
            self.response_ms[mask],
            self.late_ms[mask],
            self.ok[mask],
            self.silent[mask],
            self.endpoint[mask],
            self.names,
        )

    def between(self, start_s: float, end_s: float) -> Requests:
        """Those intended in [start_s, end_s)."""
        first, last = np.searchsorted(self.intended_s, [start_s, end_s])
        return self.of(slice(int(first), int(max(first, last))))

    def at(self, endpoint: str) -> Requests:
        return self.of(self.endpoint == self.names.index(endpoint))

    def without(self, endpoints: frozenset[str]) -> Requests:
        if not endpoints:
            return self
        return self.of(~np.isin(self.endpoint, [self.names.index(one) for one in endpoints]))

    def served(self, before_s: float) -> Mask:
        """Ok, and answered before that second."""
        mask: Mask = self.ok & (self.answered_s < before_s)
        return mask

    def served_within(self, seconds: float) -> Mask:
        """Ok, and answered that soon."""
        mask: Mask = self.ok & (self.response_ms <= seconds * 1000)
        return mask


def requests_of(history: History) -> Requests:
    """All requests of a history."""
    samples = history.samples.sort_values("intended_ns", kind="stable")
    response_ms = samples["response_ms"].to_numpy(np.float64)
    errors = samples["error"].cat
    left = [code for code, text in enumerate(errors.categories) if LEFT.search(str(text))]
    unanswered = (samples["outcome"] == Outcome.UNKNOWN.value).to_numpy()
    return Requests(
        intended_s=samples["intended_ns"].to_numpy() / NS_PER_S,
        answered_s=samples["answered_ns"].to_numpy() / NS_PER_S,
        response_ms=response_ms,
        late_ms=response_ms - samples["service_ms"].to_numpy(np.float64),
        ok=(samples["outcome"] == Outcome.OK.value).to_numpy(),
        silent=unanswered & np.isin(errors.codes.to_numpy(), left),
        endpoint=samples["endpoint"].cat.codes.to_numpy(),
        names=tuple(str(name) for name in samples["endpoint"].cat.categories),
    )
