"""The six points of a circuit breaker, each a pure function of the states that were seen from outside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.analysis.amounts import milliseconds
from harness.analysis.breaker import SILENCE_CALLS, Calls, Interval, State, calls_of, due, states
from harness.analysis.phases import select
from harness.analysis.quantiles import quantile
from harness.analysis.recovery import recovery
from harness.checks.parts import SAMPLES_MIN, samples_needed
from harness.checks.points import Point, counted, struck
from harness.record import NS_PER_S, History, PlannedWindow, Scalar, Word

if TYPE_CHECKING:
    from harness.checks.breaker import Breaker

RESET_S = 5.0
"""Where no reset time is said: silences as short as this must be told from chance."""
EPSILON_S = 1.0
"""What may pass beyond the reset time until calls flow again: a probe waits for a request."""
EARLY_S, EARLY_SHARE = 0.05, 0.05
"""A probe may come so much before the reset time is over: clocks and timers."""
TROUBLED_SHARE_MIN = 0.5
"""Of a window's calls that reached the link: with fewer the fault was not one that a breaker must open for."""
REFUSED_SHARE_MAX = 0.5
PROBE_CALLS_MIN = 3.0
"""So many calls must be due while a probe is under way: else a second one would not show."""
USUAL = 2.0
"""A failing call must take so many times what a good one takes in calm: else an open breaker would not be felt."""
BURSTS_MIN = 2
"""So many silences in calm without one bad call before them are how a client calls, and no breaker."""
EDGE_S = 0.05
"""Before a state changes: a call that was let through, or a request that becomes a probe, began a little earlier."""


class Seen:
    """What was seen of a breaker: the calls, its states, the windows that struck its link."""

    def __init__(self, history: History, link: str, calls: str | None) -> None:
        self.history = history
        self.calls: Calls = calls_of(history, link, calls)
        self.due = due(history, self.calls)
        self.states: tuple[Interval, ...] = states(history, self.calls)
        self.windows: list[PlannedWindow] = struck(history, link)
        self.end_s = max((phase.end_s for phase in history.phases), default=0.0)

    def of(self, state: State) -> list[Interval]:
        return [one for one in self.states if one.state is state]

    @cached_property
    def bursts(self) -> str | None:
        """What to say of a client that calls in bursts: silences in calm, after calls of which not one was bad."""
        first_s, last_s, count = min((one.start_s for one in self.history.windows), default=self.end_s), 0.0, 0
        for one in self.of(State.OPEN):
            if one.start_s < first_s:
                count += not len(self.troubled(last_s, one.end_s))
                last_s = one.end_s
        if count < BURSTS_MIN:
            return None
        return f"calls come in bursts, with {count} silences in calm after calls that were all good"

    def troubled(self, start_s: float, end_s: float) -> Calls:
        """The calls that began then, and failed or were slow."""
        calls = self.calls.within(start_s, end_s)
        return calls.where(~calls.good)

    @cached_property
    def troubled_ms(self) -> float:
        """The median duration of a call in trouble, in all windows: the dependency's timeout, as it is seen."""
        took = [calls.ended_s - calls.started_s for calls in self._in_windows()]
        return 1000 * quantile(np.concatenate(took), 0.5) if took else float("nan")

    @cached_property
    def refused(self) -> float:
        """The share of the troubled calls that were refused a connection."""
        flags = [calls.refused for calls in self._in_windows()]
        joined = np.concatenate(flags) if flags else np.empty(0)
        return float(joined.mean()) if len(joined) else 0.0

    def _in_windows(self) -> Iterator[Calls]:
        return (self.troubled(one.start_s, one.end_s) for one in self.windows)


def why_not_judged(seen: Seen, asked: Breaker) -> str | None:
    """Why none of the first five points can be judged; None where they can."""
    if not seen.windows:
        return f"no fault struck {asked.link}, so its breaker had no reason to open"
    needed_per_s = SILENCE_CALLS / (asked.reset_s or RESET_S)
    if seen.due.rate_per_s < needed_per_s:
        silence_s = asked.reset_s or RESET_S
        return (
            f"{seen.due.rate_per_s:.1f} calls a second crossed {asked.link} in calm: too few to tell a silence of "
            f"{silence_s:g} s from chance; {needed_per_s:.1f} are needed"
        )
    if seen.bursts is not None:
        return f"on {asked.link} {seen.bursts}: a breaker cannot be told from a pause between them"
    if seen.refused > REFUSED_SHARE_MAX:
        return (
            f"{asked.link} refused connections while the fault was in, which is as fast without a breaker and proves "
            "nothing; use latency, or a call that hangs"
        )
    return None


def opens(seen: Seen, asked: Breaker) -> Point:
    """1: arrivals drop to nothing soon after the fault, and few calls fail before."""
    name, slowest = "opens", None
    for window in seen.windows:
        opened = next((one for one in seen.of(State.OPEN) if _meet(one, window)), None)
        if opened is None:
            return _never_opened(name, seen, asked, window)
        after_s = max(0.0, opened.start_s - window.start_s)
        failed = _failed_before(seen, window.start_s, opened.start_s)
        numbers: dict[str, Scalar] = {"opened_after_s": round(after_s, 3), "failed_calls": failed}
        if after_s > asked.opens_within_s:
            clause = f"the breaker on {asked.link} opened {after_s:.1f} s after {window.name} began"
            return Point(name, Word.FAIL, f"{clause}, within {asked.opens_within_s:g} s wanted", numbers)
        surely = _failed_before(seen, window.start_s, opened.start_s - EDGE_S)
        if asked.threshold is not None and surely > asked.threshold:
            clause = (
                f"{failed} calls on {asked.link} had failed before its breaker opened, at most {asked.threshold} wanted"
            )
            return Point(name, Word.FAIL, clause, numbers)
        clause = f"the breaker on {asked.link} opened {after_s:.1f} s after {window.name} began"
        point = Point(name, Word.PASS, f"{clause}, after {counted(failed, 'failed call')}", numbers)
        slowest = max(slowest or (after_s, point), (after_s, point), key=lambda pair: pair[0])
    assert slowest is not None  # why_not_judged has seen a window
    return slowest[1]


def _failed_before(seen: Seen, start_s: float, opened_s: float) -> int:
    """Calls in trouble that were over when it opened, since the last good one; those under way do not count."""
    calls = seen.calls.within(start_s, opened_s)
    over = calls.where(calls.ended_s <= opened_s)
    since_s = float(over.ended_s[over.good].max()) if over.good.any() else start_s
    return int((over.ended_s > since_s).sum())


def _never_opened(name: str, seen: Seen, asked: Breaker, window: PlannedWindow) -> Point:
    reached = seen.calls.within(window.start_s, window.end_s)
    troubled = len(seen.troubled(window.start_s, window.end_s))
    numbers: dict[str, Scalar] = {"calls": len(reached), "failed_calls": troubled}
    needed = max(SAMPLES_MIN, asked.threshold or 0)
    calls = (
        f"{counted(len(reached), 'call')} reached {asked.link} in {window.name}, {troubled:,} of them failed or slow"
    )
    if troubled < needed:
        clause = f"the breaker never opened, but {calls}: {needed} are needed for it to have a reason"
        return Point(name, Word.UNKNOWN, clause, numbers)
    if troubled < TROUBLED_SHARE_MIN * len(reached):
        return Point(name, Word.UNKNOWN, f"the breaker never opened, but only some failed: {calls}", numbers)
    clause = (
        f"the breaker never opened: {calls} (there is none, or a new one for each request, or it does not count these)"
    )
    return Point(name, Word.FAIL, clause, numbers)


def fast(seen: Seen, asked: Breaker) -> Point:
    """2: while it is open, requests are answered far faster than a call takes to fail."""
    name, limit_ms = "fast while open", asked.fast_p99_ms or seen.troubled_ms / 2
    opened = [one for one in seen.of(State.OPEN) if any(_meet(one, struck) for struck in seen.windows)]
    if not opened:
        return Point(name, Word.UNKNOWN, "how fast requests are while it is open is not known: it never was")
    if not seen.troubled_ms > max(limit_ms, USUAL * 1000 * seen.calls.usual_s):
        clause = (
            f"calls on {asked.link} fail after {milliseconds(seen.troubled_ms)}, so that no request is faster for an "
            "open breaker; use latency, or a call that hangs"
        )
        return Point(name, Word.UNKNOWN, clause, {"failing_ms": round(seen.troubled_ms, 3)})
    intended_s = seen.history.samples["intended_ns"].to_numpy() / NS_PER_S
    while_open = np.zeros(len(intended_s), bool)
    for one in opened:
        while_open |= (intended_s > one.start_s) & (intended_s < one.end_s - EDGE_S)
    while_open &= select(seen.history, "run", asked.endpoint)[0][1]
    response_ms = seen.history.samples["response_ms"].to_numpy()[while_open]
    if len(response_ms) < samples_needed(0.99):
        clause = (
            f"only {len(response_ms)} requests came while it was open, and {samples_needed(0.99)} are needed for p99"
        )
        return Point(name, Word.UNKNOWN, clause, {"count": len(response_ms)})
    p99_ms = quantile(response_ms, 0.99)
    numbers = {"p99_ms": round(p99_ms, 3), "limit_ms": round(limit_ms, 3), "count": len(response_ms)}
    clause = f"p99 was {milliseconds(p99_ms)} while it was open, at most {milliseconds(limit_ms)} wanted"
    return Point(name, Word.PASS if p99_ms <= limit_ms else Word.FAIL, clause, numbers)


def probes(seen: Seen, asked: Breaker) -> Point:
    """3: it probes no more calls at once than it may, and not before its reset time is over."""
    name, tests = "probes", seen.of(State.HALF_OPEN)
    most = max((one.at_once for one in tests), default=0)
    waits_s = [one.length_s for one, _ in pairwise(seen.states) if one.state is State.OPEN]
    shortest_s = min(waits_s, default=0.0)
    numbers: dict[str, Scalar] = {"at_once": most, "shortest_wait_s": round(shortest_s, 3), "probed": len(tests)}
    if most > asked.probes_max:
        clause = f"it let {counted(most, 'probe')} through to {asked.link} at once, at most {asked.probes_max} wanted"
        return Point(name, Word.FAIL, clause, numbers)
    reset_s = asked.reset_s
    if waits_s and reset_s is not None and shortest_s < reset_s - max(EARLY_S, EARLY_SHARE * reset_s):
        clause = f"it probed {asked.link} again {shortest_s:.1f} s after it had opened, {reset_s:g} s wanted"
        return Point(name, Word.FAIL, clause, numbers)
    if not any(seen.due.rate_per_s * (one.first_end_s - one.start_s) >= PROBE_CALLS_MIN for one in tests):
        clause = (
            f"how many probes it lets through to {asked.link} at once is not known: no probe was seen that took long"
        )
        return Point(name, Word.UNKNOWN, f"{clause} enough; let the fault outlast the reset time", numbers)
    clause = f"it let {counted(most, 'probe')} through at once, {shortest_s:.1f} s after it opened at the soonest"
    return Point(name, Word.PASS, clause, numbers)


def closes(seen: Seen, asked: Breaker) -> Point:
    """4: after the fault it closes within its reset time, and goodput is back."""
    name, healed_s = "closes", max(one.end_s for one in seen.windows)
    opened = [one.length_s for one in seen.of(State.OPEN) if one.start_s < healed_s and one.end_s < seen.end_s]
    reset_s = asked.reset_s if asked.reset_s is not None else max(opened, default=None)
    if not any(one.start_s < healed_s for one in seen.of(State.OPEN)):
        return Point(name, Word.UNKNOWN, "whether it closes again is not known: it never opened")
    closed_s = next((max(one.start_s, healed_s) for one in seen.of(State.CLOSED) if one.end_s > healed_s), None)
    if reset_s is None:
        clause = f"no probe reached {asked.link} in the {seen.end_s - healed_s:.0f} s after the fault; say reset_s"
        return Point(name, Word.UNKNOWN, clause)
    hung_s = [one.end_s - healed_s for one in seen.of(State.HALF_OPEN) if one.start_s < healed_s < one.end_s]
    within_s = reset_s + EPSILON_S + max(hung_s, default=0.0)
    after_s = None if closed_s is None else closed_s - healed_s
    numbers: dict[str, Scalar] = {
        "closed_after_s": None if after_s is None else round(after_s, 3),
        "within_s": within_s,
    }
    wanted = f"within {within_s:.1f} s wanted (reset time {reset_s:.1f} s)"
    if after_s is None:
        seen_s, reached = seen.end_s - healed_s, len(seen.calls.within(healed_s, seen.end_s))
        if seen_s < within_s:
            clause = f"the run went on for {seen_s:.1f} s after the fault, too little to see the breaker close"
            return Point(name, Word.UNKNOWN, f"{clause}; {within_s:.0f} s are needed", numbers)
        calls = f"{counted(reached, 'call')} reached {asked.link} in the {seen_s:.0f} s after the fault"
        return Point(name, Word.FAIL, f"the breaker never closed again: {calls}; {wanted}", numbers)
    if after_s > within_s:
        return Point(name, Word.FAIL, f"the breaker closed {after_s:.1f} s after the fault, {wanted}", numbers)
    back = recovery(seen.history, endpoint=asked.endpoint)
    if back.seconds is None:
        word, reason = Word.UNKNOWN if back.too_short else Word.FAIL, back.reason[:1].lower() + back.reason[1:]
        return Point(name, word, f"the breaker closed {after_s:.1f} s after the fault, but {reason}", numbers)
    return Point(name, Word.PASS, f"it closed {after_s:.1f} s after the fault, and goodput was back", numbers)


def reopens(seen: Seen, asked: Breaker) -> Point:
    """5: a probe that fails opens it anew, and no more calls come than it may let through."""
    failing = [one for one in seen.of(State.HALF_OPEN) if one.failed == one.calls]
    if not failing:
        return Point("opens anew", Word.UNKNOWN, "whether a failing probe opens it anew is not known: none was seen")
    more = max(one.calls - max(one.at_once, asked.probes_max) for one in failing)
    numbers = {"failing_probes": len(failing), "calls_after": max(0, more)}
    if more > 0:
        clause = f"a failing probe did not open it anew: {counted(more, 'more call')} followed on {asked.link}"
        return Point("opens anew", Word.FAIL, clause, numbers)
    clause = f"each of {counted(len(failing), 'failing probe')} opened it anew"
    return Point("opens anew", Word.PASS, clause, numbers)


def calm(seen: Seen, asked: Breaker) -> Point:
    """6: it never opens while nothing is wrong."""
    starts = [one.start_s for one in seen.history.windows]
    ends = [one.end_s for one in seen.history.windows]
    first_s, last_s = min(starts, default=seen.end_s), max(ends, default=seen.end_s)
    closed_s = next((one.start_s for one in seen.of(State.CLOSED) if one.end_s > last_s + EPSILON_S), seen.end_s)
    wrong = [
        one for one in seen.of(State.OPEN) if one.start_s < first_s or one.start_s > max(closed_s, last_s + EPSILON_S)
    ]
    numbers: dict[str, Scalar] = {"opened": len(wrong), "first_s": round(wrong[0].start_s, 3) if wrong else None}
    if seen.bursts is not None:
        clause = f"whether the breaker on {asked.link} opens in calm is not known: {seen.bursts}"
        return Point("calm", Word.UNKNOWN, clause, numbers)
    if wrong:
        times = "" if len(wrong) == 1 else f", the first of {len(wrong)} times"
        clause = f"the breaker on {asked.link} opened in calm, at {wrong[0].start_s:.1f} s{times}"
        return Point("calm", Word.FAIL, clause, numbers)
    if not seen.states or SILENCE_CALLS / seen.due.rate_per_s > (asked.reset_s or RESET_S):
        return Point("calm", Word.UNKNOWN, f"too few calls cross {asked.link} to see whether it opens in calm", numbers)
    return Point("calm", Word.PASS, "it never opened in calm", numbers)


def _meet(one: Interval, window: PlannedWindow) -> bool:
    return one.start_s < window.end_s and one.end_s > window.start_s
