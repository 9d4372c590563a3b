"""The states of a circuit breaker as they are seen from outside, from the calls that arrive at a link.

Open is a silence: nothing is under way on the link, and nothing arrives, for so long that at the rate of the calm at
least SILENCE_CALLS calls should have come, while the load's requests are answered all the same. That is what tells it
from a client that hangs (its calls are under way), and from one that has stopped (its requests are not answered).
After an open state the breaker is half-open from the first call until one is answered well, and closed from then on;
where none is, it is open anew.

Refused connections are no test of it: what fails at once is as fast without a breaker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from harness.analysis.quantiles import quantile
from harness.record import NS_PER_S, History, Outcome

SILENCE_CALLS = 14.0
"""So many calls that were due and did not come. By chance, with arrivals as random as can be, 1 in a million."""
ANSWERED_SHARE = 0.5
"""Of the requests that were due in a silence: else the client stands still, and its breaker says nothing."""

SLOW, SLOW_S = 5.0, 0.1
"""A call is not well that takes so many times the 99th percentile of the calm, and so much more than it."""

Floats = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class State(StrEnum):
    """A breaker's state, as it is seen from outside."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Interval:
    """A state from `start_s` to `end_s`, and the `calls` that arrived in it; `failed` of them were not good.

    Of a half-open one, `at_once` calls came before the first was over, and `first_end_s` is when that was.
    """

    state: State
    start_s: float
    end_s: float
    calls: int
    failed: int
    at_once: int = 0
    first_end_s: float = 0.0

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of a link by their start: `good` are those with a whole answer below 400 in less than `slow_s`.

    `usual_s` is the 99th percentile of what good ones took in calm; infinite where there were none.
    """

    started_s: Floats
    ended_s: Floats
    good: Mask
    refused: Mask
    usual_s: float

    @property
    def slow_s(self) -> float:
        """A call that takes longer is not well."""
        return max(SLOW * self.usual_s, self.usual_s + SLOW_S)

    def within(self, start_s: float, end_s: float) -> Calls:
        """Those that began in [start_s, end_s)."""
        return self.where((self.started_s >= start_s) & (self.started_s < end_s))

    def where(self, mask: Mask) -> Calls:
        return Calls(self.started_s[mask], self.ended_s[mask], self.good[mask], self.refused[mask], self.usual_s)

    def __len__(self) -> int:
        return len(self.started_s)


def calls_of(history: History, link: str, calls: str | None = None) -> Calls:
    """The calls that a tap saw cross a link; `calls` is one "POST /charges" or "/charges" of it."""
    assert history.attempts is not None, "no link had a tap"
    rows = history.attempts[history.attempts["link"] == link]
    if calls is not None:
        method, path = rows["method"].astype(str), rows["path"].astype(str)
        rows = rows[(path == calls) | (method + " " + path == calls)]
    rows = rows.sort_values("started_s", kind="stable")
    started_s, ended_s = rows["started_s"].to_numpy(), rows["ended_s"].to_numpy()
    good = (rows["outcome"] == Outcome.OK.value).to_numpy() & (rows["status"].to_numpy() < 400)
    calm_s = (ended_s - started_s)[good & (ended_s < _calm_end_s(history))]
    usual_s = quantile(calm_s, 0.99) if len(calm_s) else float("inf")
    refused = (rows["error"] == "refused").to_numpy()
    found = Calls(started_s, ended_s, good, refused, usual_s)
    return replace(found, good=good & (ended_s - started_s <= found.slow_s))


def _calm_end_s(history: History) -> float:
    return next((one.end_s for one in history.phases if one.kind == "baseline"), 0.0)


@dataclass(frozen=True, slots=True)
class Due:
    """What should have come: calls at the rate of the calm, for each request of the load where there are requests."""

    rate_per_s: float
    for_each: float
    intended_s: Floats
    answered_s: Floats

    def calls(self, start_s: float, end_s: float) -> float:
        if not self.for_each:
            return self.rate_per_s * (end_s - start_s)
        return self.for_each * _count(self.intended_s, start_s, end_s)

    def alive(self, start_s: float, end_s: float) -> bool:
        """The client answered requests then, so it would have called."""
        due = _count(self.intended_s, start_s, end_s)
        return not self.for_each or _count(self.answered_s, start_s, end_s) >= ANSWERED_SHARE * due


def due(history: History, calls: Calls) -> Due:
    """By the baseline, all that was before the first window."""
    baseline = next((one for one in history.phases if one.kind == "baseline"), None)
    intended = np.sort(history.samples["intended_ns"].to_numpy() / NS_PER_S)
    answered = np.sort(history.samples["answered_ns"].to_numpy() / NS_PER_S)
    if baseline is None or baseline.length_s <= 0:
        return Due(0.0, 0.0, intended, answered)
    came = len(calls.within(baseline.start_s, baseline.end_s))
    requests = _count(intended, baseline.start_s, baseline.end_s)
    return Due(came / baseline.length_s, came / requests if requests else 0.0, intended, answered)


def states(history: History, calls: Calls, expected: Due | None = None) -> tuple[Interval, ...]:
    """The states over the whole run, in turn and without a hole. Empty where the calm has no calls to compare with.

    `expected` is what should have come, where more is known of it than the load tells.
    """
    end_s = max((phase.end_s for phase in history.phases), default=0.0)
    expected = expected or due(history, calls)
    seen = calls.within(0.0, end_s)
    if not expected.rate_per_s:
        return ()
    silences = [
        (start_s, stop_s)
        for start_s, stop_s in _idle(seen, end_s)
        if expected.calls(start_s, stop_s) >= SILENCE_CALLS and expected.alive(start_s, stop_s)
    ]
    return tuple(_between(seen, silences, end_s))


def _idle(calls: Calls, end_s: float) -> Iterator[tuple[float, float]]:
    """When nothing is under way."""
    since_s = 0.0
    for started_s, ended_s in zip(calls.started_s, calls.ended_s, strict=True):
        if started_s > since_s:
            yield since_s, float(started_s)
        since_s = max(since_s, float(ended_s))
    if end_s > since_s:
        yield since_s, end_s


def _between(calls: Calls, silences: Sequence[tuple[float, float]], end_s: float) -> Iterator[Interval]:
    """Each silence is open; what is before it is closed, or after another silence half-open until a call is good."""
    at_s = 0.0
    for index, (quiet_s, until_s) in enumerate([*silences, (end_s, end_s)]):
        burst = calls.within(at_s, quiet_s)
        if len(burst):
            stop_s = end_s if index == len(silences) else None
            told = list(_tested(burst, stop_s) if index else _closed(burst, at_s, stop_s))
            yield from told
            at_s = told[-1].end_s
        if index < len(silences):
            yield Interval(State.OPEN, at_s, until_s, 0, 0)
            at_s = until_s


def _closed(burst: Calls, start_s: float, stop_s: float | None) -> Iterator[Interval]:
    """Closed to the last call, or to `stop_s` where no silence follows."""
    last_s = float(burst.started_s[-1])
    yield _interval(State.CLOSED, burst, start_s, last_s if stop_s is None else stop_s)


def _tested(burst: Calls, stop_s: float | None) -> Iterator[Interval]:
    """What follows a silence: half-open until a call is good, and then closed; or half-open to its last answer."""
    start_s, over_s = float(burst.started_s[0]), float(burst.ended_s.max()) if stop_s is None else stop_s
    first_end_s = float(burst.ended_s.min())
    at_once = int((burst.started_s < first_end_s).sum())
    good_s = min(float(burst.ended_s[burst.good].min()), over_s) if burst.good.any() else over_s
    trial, rest = burst.within(start_s, good_s), burst.within(good_s, np.inf)
    yield _interval(State.HALF_OPEN, trial, start_s, good_s, at_once, first_end_s)
    if len(rest) or (stop_s is not None and good_s < stop_s):
        yield from _closed(rest if len(rest) else burst, good_s, stop_s)


def _interval(
    state: State, calls: Calls, start_s: float, end_s: float, at_once: int = 0, first_end_s: float = 0.0
) -> Interval:
    return Interval(state, start_s, end_s, len(calls), int((~calls.good).sum()), at_once, first_end_s)


def _count(sorted_s: Floats, start_s: float, end_s: float) -> int:
    first, last = np.searchsorted(sorted_s, [start_s, end_s])
    return int(last - first)
