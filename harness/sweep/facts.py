"""Retries and breakers, link by link: what each client did on a link while its calls failed, from what a tap saw.

Nothing is configured, so nothing is asked of a client: a fact is what was seen, and what was not seen enough of is not
known, with what it would take. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Seen(StrEnum):
    """Whether a thing was seen on a link: `yes`, `no`, or too little was seen to tell."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Carries(StrEnum):
    """What crosses a link, as far as its tap can tell."""

    HTTP = "HTTP"
    OTHER = "no HTTP/1.1"
    NOTHING = "nothing"
    UNTAPPED = "unknown: it has no tap"


@dataclass(frozen=True, slots=True)
class Retries:
    """In one window: `ratio` attempts an operation, told by operations, or calls for each request that the client was
    asked, over those in calm, between `low` and `high`. `reason` says why it is unknown, and what it would take."""

    seen: Seen
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    told_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Breaker:
    """In one window: calls stopped `stopped_s` after it began, and came back `back_s` after its heal, where they did
    before the next fault on their way."""

    seen: Seen
    stopped_s: float | None = None
    back_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WindowFact:
    """A window in which calls on a link failed: `failed` of `calls` before its heal."""

    window: str
    calls: int
    failed: int
    retries: Retries
    breaker: Breaker


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """All that is known of one link: a fact for each window that struck it, and each in which most calls failed."""

    link: str
    client: str
    service: str
    carries: Carries
    windows: tuple[WindowFact, ...] = ()

    @property
    def retries(self) -> WindowFact | None:
        """The window that tells most of retries: the most of them, else the most failures without one."""
        return max(self.windows, key=_of_retries, default=None)

    @property
    def breaker(self) -> WindowFact | None:
        """The window that tells most of a breaker: one in which it was seen, the most failures of several."""
        return max(self.windows, key=_of_breaker, default=None)

    @property
    def retries_seen(self) -> Seen:
        return self.retries.retries.seen if self.retries else Seen.UNKNOWN

    @property
    def breaker_seen(self) -> Seen:
        return self.breaker.breaker.seen if self.breaker else Seen.UNKNOWN

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"retries": self.retries_seen, "breaker": self.breaker_seen}


_RANK = {Seen.UNKNOWN: 0, Seen.NO: 1, Seen.YES: 2}


def _of_retries(one: WindowFact) -> tuple[int, float, int]:
    most = (one.retries.ratio or 0.0) if one.retries.seen is Seen.YES else 0.0
    return _RANK[one.retries.seen], most, one.failed


def _of_breaker(one: WindowFact) -> tuple[int, bool, int]:
    return _RANK[one.breaker.seen], one.breaker.back_s is not None, one.failed


def joined(parts: Iterable[LinkFacts]) -> tuple[LinkFacts, ...]:
    """The facts of all runs of a sweep as one of each link, by name. What HTTP crossed in one run tells of it."""
    found: dict[str, LinkFacts] = {}
    for one in parts:
        before = found.get(one.link, one)
        tells = before if before.carries is Carries.HTTP or one.carries is not Carries.HTTP else one
        windows = one.windows if before is one else (*before.windows, *one.windows)
        found[one.link] = replace(tells, windows=windows)
    return tuple(found[name] for name in sorted(found))
