"""Round trips: how often a request of each endpoint crosses each link. A query in a loop (N+1) shows as many.

Two witnesses. The count: what the kernel saw cross the link each second, regressed on the requests answered in that
second. The cause, where a window slowed the link: what each request lost, divided by the delay.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from harness.analysis.figures import endpoints
from harness.analysis.readings import Floats, Topology, of, plain
from harness.analysis.slow_links import serial_traversals
from harness.record import NS_PER_S, Finding, History, Scalar

MANY = 8.0
"""Round trips a request from which on a link is worth a finding."""
ERROR_MAX = 0.2
"""Of the estimate: a larger standard error says nothing."""
BINS_MIN = 8


@dataclass(frozen=True, slots=True)
class Trips:
    """Round trips over a link a request of an endpoint, with the standard error."""

    endpoint: str
    link: str
    per_request: float
    error: float
    share: float


def round_trips(history: History, topology: Topology) -> list[Finding]:
    """A finding for each endpoint that crosses a link many times a request."""
    found = []
    for link, (client, service) in topology.links.items():
        for trips in count(history, link):
            if trips.per_request <= MANY or trips.error > ERROR_MAX * trips.per_request:
                continue
            evidence: dict[str, Scalar] = {
                "endpoint": trips.endpoint,
                "link": link,
                "round_trips_per_request": round(trips.per_request, 2),
                "standard_error": round(trips.error, 2),
            }
            second = ""
            causal = serial_traversals(history, link, trips.endpoint)
            if causal is not None:
                evidence["serial_traversals"] = round(causal, 2)
                second = f", and slowing the link showed {plain(causal)} of them one after another"
            sentence = (
                f"Each {trips.endpoint} crosses {link} {plain(trips.per_request)} times (± {trips.error:.1f}){second}: "
                f"{client} asks {service} in a loop. Ask once for all, and each saves "
                f"{plain(trips.per_request - 1)} round trips."
            )
            found.append(Finding("round trips", link, sentence, round(trips.share, 4), evidence))
    return found


def count(history: History, link: str) -> list[Trips]:
    """The regression for one link, outside of all windows. Empty where there is too little to go by.

    In a window a request's life spans many bins, so those are left out. The edges of the bins are readings, since what
    lies between two of them can only be guessed.
    """
    at_s, total = of(history, link, "round_trips")
    names = endpoints(history)
    chosen = _a_second_apart(at_s)
    if len(chosen) < BINS_MIN or not names:
        return []
    edges = at_s[chosen]
    calm = np.array(
        [
            not any(window.start_s - 1 < end and window.end_s + 1 > start for window in history.windows)
            for start, end in itertools.pairwise(edges)
        ]
    )
    crossed = np.diff(total[chosen])[calm]
    answered_s = history.samples["answered_ns"].to_numpy() / NS_PER_S
    codes = history.samples["endpoint"].cat.codes.to_numpy()
    categories = [str(name) for name in history.samples["endpoint"].cat.categories]
    counts = np.column_stack(
        [np.histogram(answered_s[codes == categories.index(name)], bins=edges)[0][calm] for name in names]
    ).astype(np.float64)
    if len(crossed) < max(BINS_MIN, len(names) + 2):
        return []
    values, errors = _non_negative(counts, crossed)
    volume = values * counts.sum(axis=0)
    shares = volume / volume.sum() if volume.sum() > 0 else volume
    return [
        Trips(name, link, float(value), float(error), float(share))
        for name, value, error, share in zip(names, values, errors, shares, strict=True)
    ]


def _a_second_apart(at_s: Floats) -> list[int]:
    """The indices of readings after zero that lie a second or more apart."""
    chosen: list[int] = []
    for index, at in enumerate(at_s):
        if at >= 0 and (not chosen or at >= at_s[chosen[-1]] + 1):
            chosen.append(index)
    return chosen


def _non_negative(counts: Floats, crossed: Floats) -> tuple[Floats, Floats]:
    """Least squares with coefficients of 0 or more, and their standard errors: columns that want less are left out."""
    kept = list(range(counts.shape[1]))
    values, errors = np.zeros(counts.shape[1]), np.full(counts.shape[1], np.inf)
    while kept:
        part = counts[:, kept]
        fitted = np.linalg.lstsq(part, crossed, rcond=None)[0]
        if (fitted >= 0).all():
            spare = max(1, len(crossed) - len(kept))
            variance = float(((crossed - part @ fitted) ** 2).sum()) / spare
            values[kept] = fitted
            errors[kept] = np.sqrt(np.maximum(0.0, np.diag(np.linalg.pinv(part.T @ part))) * variance)
            break
        kept.pop(int(np.argmin(fitted)))
    return values, errors
