"""From the history of one run of a sweep to the facts of its links: does the client try again, has it a breaker?

A window tells where most calls on the link failed in it, and before its heal: a call that hangs until then gave its
client no reason to try again, or to stop. What the client itself was asked meanwhile is known where the requests that
came to it were seen (analysis/asked.py); without that, a caller who tries again, or stops, looks like the client.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from harness.analysis.asked import ERRORS, Asked, Times, asked, due_by, times
from harness.analysis.breaker import SILENCE_CALLS, Calls, State, calls_of, states
from harness.analysis.operations import operations
from harness.analysis.phases import Mask
from harness.record import History, Outcome, PlannedWindow
from harness.sweep.facts import Breaker, Carries, LinkFacts, Retries, Seen, WindowFact

FAILED_MIN = 20
"""No statement on fewer failed calls, nor where fewer than FAILED_SHARE of a window's calls failed."""
FAILED_SHARE = 0.5
FAILED_FIRST = 3
"""Calls that must have failed before a silence for it to be a breaker's."""
OPERATIONS_MIN = 5
"""Where operations can be told apart: retry loops are code and not chance."""
TRIED, ALIKE = 1.05, 0.5
"""Attempts an operation that are more than one; calls for each request, over those in calm, that are not fewer."""
MORE = 1.25
"""Calls for each request, over those in calm, that are surely more."""
ONCE_MORE = 0.75
"""Of the share that failed: so many more calls would have come, had each been tried once again, with room for some that
were not."""


def link_facts(history: History) -> list[LinkFacts]:
    """Of each link of the run; empty where no link had a tap."""
    if history.attempts is None:
        return []
    others = {str(mark.data["link"]): int(mark.data.get("others") or 0) for mark in history.marks_of("tap")}
    links = history.attempts["link"]
    carried = {name: _carries(history.attempts[links == name], others.get(name)) for name in history.links}
    tapped = [name for name, one in carried.items() if one in (Carries.HTTP, Carries.NOTHING)]
    found = []
    for name, (client, service) in history.links.items():
        windows: tuple[WindowFact, ...] = ()
        if carried[name] is Carries.HTTP:
            windows = tuple(_Link(history, name, asked(history, client, tapped)).facts())
        found.append(LinkFacts(name, client, service, carried[name], windows))
    return found


def _carries(rows: pd.DataFrame, others: int | None) -> Carries:
    """`others` are the connections that spoke something else; None where the tap does not know the link."""
    if rows.empty:
        return Carries.UNTAPPED if others is None else Carries.OTHER if others else Carries.NOTHING
    http = int((rows["method"].astype(str) != "").sum())
    return Carries.HTTP if http > len(rows) - http else Carries.OTHER  # a GET of no HTTP is one without a path


class _Link:
    """The facts of one link that carries HTTP. `found` is what its client was asked, where that was seen."""

    def __init__(self, history: History, name: str, found: Asked | None) -> None:
        assert history.attempts is not None
        self._history, self._name = history, name
        self._client, self._service = history.links[name]
        self._calm_s = next((one.end_s for one in history.phases if one.kind == "baseline"), 0.0)
        self._end_s = max((one.end_s for one in history.phases), default=0.0)
        self._asked = found if found is not None and (found.came_s < self._calm_s).any() else None
        rows = history.attempts[history.attempts["link"] == name].sort_values("started_s", kind="stable")
        self._failed = (rows["outcome"] != Outcome.OK.value).to_numpy()
        self._kind = (rows["method"].astype(str) + " " + rows["path"].astype(str)).to_numpy()
        self._calls: Calls = calls_of(history, name)
        self._operations = operations(history.attempts, name)
        self._due = due_by(self._asked, self._calls.started_s, self._calm_s) if self._asked else None
        self._states = states(history, self._calls, self._due) if self._due else ()

    def facts(self) -> Iterator[WindowFact]:
        """Of each window that struck the link, and each other in which most of its calls failed."""
        for window in self._history.windows:
            if window.service == self._client:
                continue  # what a client does that is broken itself says nothing of it
            within = self._within(window)
            failed = within & self._failed & (self._calls.ended_s < window.end_s)
            count, calls = int(failed.sum()), int(within.sum())
            if self._strikes(window) or (count >= FAILED_MIN and count >= FAILED_SHARE * calls):
                breaker = self._breaker(window, count, calls)
                yield WindowFact(window.name, calls, count, self._retries(window, within, failed), breaker)

    def _within(self, window: PlannedWindow) -> Mask:
        mask: Mask = (self._calls.started_s >= window.start_s) & (self._calls.started_s < window.end_s)
        return mask

    # -------------------------------------------------------------------------------------------------- retries

    def _retries(self, window: PlannedWindow, within: Mask, failed: Mask) -> Retries:
        by_operations = self._by_operations(window)
        by_requests = list(self._by_requests(window, within, failed))
        most = max(by_requests, key=lambda one: one[0].low, default=(None, 0.0))[0]
        if by_operations is not None and by_operations >= TRIED:
            return Retries(Seen.YES, round(by_operations, 3), told_by="operations")
        if most is not None and most.low >= MORE:
            return _by_requests(Seen.YES, most)
        if by_operations is not None and (most is None or most.ratio < 1 + ONCE_MORE * FAILED_SHARE):
            return Retries(Seen.NO, round(by_operations, 3), told_by="operations")
        if most is None or not all(one.low >= ALIKE and one.high <= limit for one, limit in by_requests):
            return Retries(Seen.UNKNOWN, reason=self._why_not_known(int(within.sum()), int(failed.sum()), by_requests))
        return _by_requests(Seen.NO, most)

    def _by_operations(self, window: PlannedWindow) -> float | None:
        """Attempts for each operation that failed at first, of the kind that has most; None where they cannot be told
        apart, or are too few."""
        began = [one for one in self._operations if window.start_s <= one.start_s < window.end_s]
        failing = [one for one in began if not one.attempts[0].succeeded and one.attempts[0].ended_s < window.end_s]
        if len(failing) < OPERATIONS_MIN or not all(one.sure for one in failing):
            return None
        kinds: dict[str, list[int]] = {}
        for one in failing:
            kinds.setdefault(one.name, []).append(len(one.attempts))
        means = [sum(tries) / len(tries) for tries in kinds.values() if len(tries) >= OPERATIONS_MIN]
        return max(means, default=None)

    def _by_requests(self, window: PlannedWindow, within: Mask, failed: Mask) -> Iterator[tuple[Times, float]]:
        """(calls for each request, the most that they could be without a retry) of each kind of call of which enough
        failed: a kind may be tried again while another does not come any more, since the first one failed."""
        if self._asked is None:
            return
        for kind in sorted(set(self._kind[failed])):
            mine = self._kind == kind
            count, calls = int((failed & mine).sum()), int((within & mine).sum())
            if count < FAILED_MIN or count < FAILED_SHARE * calls:
                continue
            found = times(self._asked, self._calls.started_s[mine], self._calm_s, window.start_s, window.end_s)
            if found is not None:
                yield found, 1 + ONCE_MORE * count / calls

    def _why_not_known(self, calls: int, failed: int, seen: list[tuple[Times, float]]) -> str:
        if few := _too_few(calls, failed):
            return few
        if self._asked is None:
            return f"{self._unasked()}, and its calls bear no key and no trace"
        if not seen:
            return "its calls were of many kinds, or of none that was seen in calm; a higher --rate tells"
        found, limit = max(seen, key=lambda one: one[0].high / one[1])
        if found.ratio < ALIKE:
            return f"{found.ratio:.1f} calls came where there was 1 in calm, and tries hide among so few"
        needed = (found.error * ERRORS / math.log(limit)) ** 2 if math.isfinite(found.error) else math.inf
        more = f"about {max(2, math.ceil(needed))} times the --rate" if math.isfinite(needed) else "a higher --rate"
        return (
            f"{found.ratio:.1f} calls came where there was 1 in calm, surely between {found.low:.1f} and "
            f"{found.high:.1f}; {more} tells"
        )

    def _unasked(self) -> str:
        return f"what {self._client} itself was asked was not seen"

    # -------------------------------------------------------------------------------------------------- breakers

    def _breaker(self, window: PlannedWindow, failed: int, calls: int) -> Breaker:
        pauses = [one for one in self._states if one.state is State.OPEN]
        if any(one.end_s <= self._calm_s for one in pauses):
            return Breaker(Seen.UNKNOWN, reason="its calls pause in calm, too")
        open_still = [
            one for one in self._states if one.state is not State.CLOSED and one.start_s <= window.start_s < one.end_s
        ]
        if any(earlier.start_s < one.start_s for earlier in self._history.windows for one in open_still):
            return Breaker(Seen.UNKNOWN, reason="calls had not come back yet from an earlier fault")
        for one in pauses:
            if window.start_s < one.start_s < window.end_s:
                before = self._calls.within(window.start_s, np.nextafter(one.start_s, math.inf))
                if len(before) - int(before.good.sum()) >= FAILED_FIRST:
                    stopped_s = round(one.start_s - window.start_s, 3)
                    return Breaker(Seen.YES, stopped_s, self._back_s(window))
        asked_by, calls_s = self._asked or self._clock(), self._calls.started_s
        middle_s = (window.start_s + window.end_s) / 2  # who has a breaker has opened it by then
        later = times(asked_by, calls_s, self._calm_s, middle_s, window.end_s)
        whole = times(asked_by, calls_s, self._calm_s, window.start_s, window.end_s)
        few = _too_few(calls, failed)
        enough = not few and len(self._calls.within(middle_s, window.end_s)) >= FAILED_MIN // 2
        if enough and whole is not None and later is not None and whole.low >= ALIKE and later.ratio >= ALIKE:
            return Breaker(Seen.NO)
        return Breaker(Seen.UNKNOWN, reason=self._why_no_silence(window, calls, few, later))

    def _why_no_silence(self, window: PlannedWindow, calls: int, few: str, later: Times | None) -> str:
        if not calls or later is None or (few and later.high >= 1):
            return few or "nothing was asked of its client meanwhile"
        if self._due is None:
            return f"{self._unasked()}, so a silence may be its callers'"
        due = self._due.calls(window.start_s, window.end_s)
        if due < SILENCE_CALLS:
            return f"{due:.0f} calls were due, and a silence of {SILENCE_CALLS:.0f} is needed; a higher --rate tells"
        return (
            f"{later.ratio:.1f} calls came where there was 1 in calm, but never were {SILENCE_CALLS:.0f} due in a "
            "silence; a higher --rate tells"
        )

    def _back_s(self, window: PlannedWindow) -> float | None:
        """How long after the heal the first call came that was answered well; None where it was not before the next
        fault on its way."""
        until_s = min(
            (one.start_s for one in self._history.windows if one.start_s >= window.end_s and self._strikes(one)),
            default=math.inf,
        )
        calls = self._calls
        good = calls.where(calls.good & (calls.ended_s >= window.end_s) & (calls.started_s < until_s))
        return round(max(0.0, float(good.started_s[0]) - window.end_s), 3) if len(good) else None

    def _strikes(self, window: PlannedWindow) -> bool:
        return window.link == self._name or window.service == self._service

    def _clock(self) -> Asked:
        """As if a request had come each tenth of a second."""
        ticks_s = np.arange(0.0, self._end_s, 0.1)
        return Asked(ticks_s, ticks_s)


def _by_requests(seen: Seen, found: Times) -> Retries:
    return Retries(seen, round(found.ratio, 3), round(found.low, 3), round(found.high, 3), told_by="requests")


def _too_few(calls: int, failed: int) -> str:
    """Why a window's failures tell nothing; empty where they may."""
    if calls and not failed:
        return f"none of {calls} calls failed before the heal"
    if failed < FAILED_MIN:
        return f"only {failed} calls failed before the heal, and {FAILED_MIN} are needed" if calls else "no call came"
    if failed < FAILED_SHARE * calls:
        return f"only {failed} of {calls} calls failed"
    return ""
