"""Which attempts on a link are tries of one operation, and what each operation looked like from outside.

Attempts of one method and path belong together, in this order of belief:

1. **key**: they bear the same Idempotency-Key. Nothing else is asked, not even that the one before had failed. Where
   tries of one trace were seen, those of another trace are another operation: a queue that charges later, by the same
   key. But where no key was ever seen twice on that method and path, a client may make a new one for each try, so that
   the next two are asked as if there were none, and what they join is an operation whose key changed.
2. **trace**: the same trace (the trace-id of a traceparent, or the X-Request-ID), the same request (target and body),
   and each began after the one before had ended without success. One trace may hold several calls: those that were not
   whole, of a path that is not their own (`/items/{}`), cannot be told from tries, and the operation is not `sure`.
3. **body**: no trace, but a body of its own, on a method and path whose bodies differ.
4. **likeness**: no trace, and the same request as others, or one without a body. Each began after the one before had
   ended without success, at most `gap_max_s` before. Such an operation is not `sure`: a client that asks for one thing
   again and again makes one try of many operations, and looks the same. It is sure where the caller says `gap_max_s`,
   and no two of its kind were under way at once.

What is not sure is shown but must convict nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from harness.record import Outcome, Phase

GAP_MAX_S = 10.0
"""Likeness joins no attempts that are further apart than this, unless the caller says otherwise."""
OVERLAP_S = 0.05
"""A client that gives up tries again at once, and a tap may hear of that before it sees the old connection end."""
OPEN_MAX = 50
"""So many chains of one kind are looked at for the next attempt; where so many are open, nothing is sure anyway."""
BODIES_MIN = 5
"""Bodies of one method and path differ where there are so many of them; a body that comes again says nothing else. A
target without one says little: many ask for `/items/7`."""
TRY_LATER = (408, 425, 429)
"""Answers of 4xx that ask to be tried again."""


class By(StrEnum):
    """What an operation was told by."""

    KEY = "key"
    TRACE = "trace"
    BODY = "body"
    LIKENESS = "likeness"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request as it crossed the link; schema.ATTEMPTS says what each field is."""

    started_s: float
    ended_s: float
    outcome: str
    status: int
    error: str
    method: str
    path: str
    key: str
    trace: str
    request_hash: int
    request_bytes: int
    retry_after_s: float

    @property
    def succeeded(self) -> bool:
        """A whole answer below 400: nothing is left to try again."""
        return self.outcome == Outcome.OK.value and self.status < 400

    @property
    def refused_for_good(self) -> bool:
        """A 4xx that would be the same again."""
        return 400 <= self.status < 500 and self.status not in TRY_LATER


@dataclass(frozen=True, slots=True)
class Operation:
    """The attempts of one operation, by their start. `sure`: they are surely one operation, and all of it."""

    attempts: tuple[Attempt, ...]
    by: By
    sure: bool

    @property
    def name(self) -> str:
        return f"{self.attempts[0].method} {self.attempts[0].path}".strip()

    @property
    def start_s(self) -> float:
        return self.attempts[0].started_s

    @property
    def end_s(self) -> float:
        return max(one.ended_s for one in self.attempts)

    @property
    def gaps_s(self) -> tuple[float, ...]:
        """From the END of each attempt to the start of the next; 0 where they overlap."""
        pairs = zip(self.attempts, self.attempts[1:], strict=False)
        return tuple(max(0.0, later.started_s - earlier.ended_s) for earlier, later in pairs)

    @property
    def succeeded(self) -> bool:
        return any(one.succeeded for one in self.attempts)

    @property
    def calm(self) -> bool:
        """One attempt that was answered well: whatever it was told by, there is nothing to guess."""
        return len(self.attempts) == 1 and self.succeeded

    @property
    def gave_up(self) -> bool:
        """It ended without success, and not because the answer was that it never would."""
        return not self.succeeded and not self.attempts[-1].refused_for_good

    @property
    def same_key(self) -> bool:
        return len({one.key for one in self.attempts}) == 1

    @property
    def same_request(self) -> bool:
        """The same target and body; what was not whole says nothing."""
        return len({one.request_hash for one in self.attempts if one.request_hash}) <= 1

    @property
    def tries_after_success(self) -> int:
        """Attempts that began after one had been answered well."""
        done_s = min((one.ended_s for one in self.attempts if one.succeeded), default=float("inf"))
        return sum(one.started_s >= done_s for one in self.attempts)


@dataclass(slots=True)
class _Chain:
    """`clear`: no other attempt of its kind could have been meant. The last of them ended then, and `done` if well."""

    attempts: list[Attempt]
    ended_s: float
    done: bool
    clear: bool = True

    def add(self, one: Attempt) -> None:
        self.attempts.append(one)
        self.ended_s, self.done = one.ended_s, one.succeeded


def operations(attempts: pd.DataFrame, link: str, *, gap_max_s: float | None = None) -> list[Operation]:
    """All operations that crossed a link, by their start."""
    kinds: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for one in _rows(attempts, link):
        kinds[one.method, one.path].append(one)
    found = [operation for kind in kinds.values() for operation in _of_kind(kind, gap_max_s)]
    return sorted(found, key=lambda one: (one.start_s, one.end_s))


def _rows(attempts: pd.DataFrame, link: str) -> Iterable[Attempt]:
    rows = attempts[attempts["link"] == link].sort_values(["started_s", "ended_s"], kind="stable")
    columns = [rows[name].astype(str).tolist() if name in _TEXTS else rows[name].tolist() for name in _FIELDS]
    return (Attempt(*values) for values in zip(*columns, strict=True))


_FIELDS = tuple(Attempt.__dataclass_fields__)
_TEXTS = ("outcome", "error", "method", "path", "key", "trace")


def _of_kind(attempts: Sequence[Attempt], gap_max_s: float | None) -> list[Operation]:
    """The operations of one method and path."""
    keyed: dict[str, list[Attempt]] = defaultdict(list)
    for one in attempts:
        if one.key:
            keyed[one.key].append(one)
    found: list[Operation] = []
    if keyed and any(len(tries) > 1 for tries in keyed.values()):
        by_key = _parted(list(keyed.values()))
        found += [Operation(tuple(tries), By.KEY, True) for tries in by_key]
        rest = [one for one in attempts if not one.key]
    else:
        rest = list(attempts)
    alike: dict[tuple[str, int], list[Attempt]] = defaultdict(list)
    for one in rest:
        alike[trace_id(one.trace), one.request_hash].append(one)
    bodies = {request for (_, request), tries in alike.items() if request and tries[0].request_bytes}
    for (trace, request), tries in alike.items():
        own = request in bodies and len(bodies) >= BODIES_MIN
        found += _by_trace(tries) if trace else _by_likeness(tries, own, gap_max_s)
    return found


def _parted(by_key: list[list[Attempt]]) -> list[list[Attempt]]:
    """The attempts of each key, parted by their traces; not where each attempt has a trace of its own."""
    parted: list[list[Attempt]] = []
    for tries in by_key:
        traces: dict[str, list[Attempt]] = defaultdict(list)
        for one in tries:
            traces[trace_id(one.trace)].append(one)
        parted += traces.values()
    traces_tell = any(len(tries) > 1 and tries[0].trace for tries in parted)
    return parted if traces_tell else by_key


def _by_trace(tries: Sequence[Attempt]) -> list[Operation]:
    own = tries[0].request_hash != 0 or "{" not in tries[0].path
    found = []
    for chain in _chains(tries, float("inf")):
        by = By.KEY if len(chain.attempts) == 1 and chain.attempts[0].key else By.TRACE
        found.append(Operation(tuple(chain.attempts), by, len(chain.attempts) == 1 or (own and chain.clear)))
    return found


def _by_likeness(tries: Sequence[Attempt], own_body: bool, gap_max_s: float | None) -> list[Operation]:
    chains = _chains(tries, GAP_MAX_S if gap_max_s is None else gap_max_s)
    if own_body and len(chains) == 1 and chains[0].clear:
        by = By.KEY if len(tries) == 1 and tries[0].key else By.BODY
        return [Operation(tuple(tries), by, True)]
    if tries[0].key:  # keys that differ and a request that others make: nothing says that they belong together
        return [Operation((one,), By.KEY, True) for one in tries]
    return [Operation(tuple(one.attempts), By.LIKENESS, gap_max_s is not None and one.clear) for one in chains]


def _chains(tries: Sequence[Attempt], gap_max_s: float) -> list[_Chain]:
    """Attempts that are alike, each put after the one that it can have followed, the latest of several."""
    found: list[_Chain] = []
    waiting: list[_Chain] = []
    for one in tries:
        since_s = one.started_s - gap_max_s
        waiting = [
            chain
            for chain in waiting[-OPEN_MAX:]
            if chain.ended_s >= since_s and not (chain.done and chain.ended_s <= one.started_s)
        ]
        until_s = one.started_s + OVERLAP_S
        busy = [chain for chain in waiting if chain.ended_s > until_s]
        ready = [chain for chain in waiting if chain.ended_s <= until_s and not chain.done]
        clear = not busy and len(ready) <= 1
        if ready:
            chosen = max(ready, key=lambda chain: chain.ended_s)
            chosen.add(one)
        else:
            chosen = _Chain([one], one.ended_s, one.succeeded)
            found.append(chosen)
            waiting.append(chosen)
        if not clear:
            for chain in (chosen, *ready, *busy):
                chain.clear = False
    return found


def of_phase(found: Iterable[Operation], phase: Phase | None, phases: Sequence[Phase]) -> list[Operation]:
    """Those of a phase, as phases.py says it of samples: any part of their life in a window; None is the whole run."""
    if phase is None:
        return list(found)
    if phase.kind == "window":
        return [one for one in found if one.start_s < phase.end_s and one.end_s >= phase.start_s]
    until_s = phase.end_s if phase.kind == "baseline" and any(one.kind == "window" for one in phases) else float("inf")
    return [one for one in found if one.start_s >= phase.start_s and one.end_s < until_s]


def telling(found: Iterable[Operation], most: int) -> list[Operation]:
    """Those with most attempts, by their start: at most so many, of the last ones alike as evenly as they come."""
    tried = [one for one in found if len(one.attempts) > 1]
    ranked = sorted(tried, key=lambda one: (one.tries_after_success == 0, -len(one.attempts)))
    if len(ranked) > most:
        last = ranked[most - 1]
        rank = (last.tries_after_success == 0, len(last.attempts))
        alike = [one for one in ranked if (one.tries_after_success == 0, len(one.attempts)) == rank]
        before = ranked[: ranked.index(alike[0])]
        room = most - len(before)
        ranked = before + [alike[index * len(alike) // room] for index in range(room)]
    return sorted(ranked, key=lambda one: (one.start_s, one.end_s))


def trace_id(trace: str) -> str:
    """What all calls of one trace share: of a traceparent (00-trace-span-flags) its second part, else all of it."""
    parts = trace.split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else trace
