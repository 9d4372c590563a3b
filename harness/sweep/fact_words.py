"""What is known of a link's retries and breaker, in words."""

from __future__ import annotations

from collections.abc import Sequence

from harness.sweep.facts import Carries, LinkFacts, Seen
from harness.sweep.record import PlannedCell
from harness.sweep.words import AT_ONCE_S, seconds, while_in

_NOTHING = {
    Carries.OTHER: "carries no HTTP/1.1, so its calls cannot be told apart",
    Carries.NOTHING: "nothing crossed it",
    Carries.UNTAPPED: "has no tap, so its calls were not seen",
}
_UNTOLD = "its calls failed in no window"


def line(facts: LinkFacts, planned: Sequence[PlannedCell]) -> str:
    """`web-db: web calls db 1.0 times as often with web-db cut as in calm: no retry seen; calls went on ...`."""
    if facts.carries is not Carries.HTTP:
        return f"{facts.link}: {_NOTHING[facts.carries]}"
    return f"{facts.link}: {of_retries(facts, planned)}; {of_breaker(facts, planned)}"


def of_retries(facts: LinkFacts, planned: Sequence[PlannedCell]) -> str:
    """Whether the client tries again, in a clause with its numbers."""
    told = facts.retries
    if told is None:
        return f"retries not known: {_UNTOLD}"
    one, when = told.retries, _when(told.window, planned)
    if one.seen is Seen.UNKNOWN:
        return f"retries not known: {when} {one.reason}"
    if one.told_by == "operations":
        if one.seen is Seen.YES:
            return f"{facts.client} calls {facts.service} {one.ratio:.1f} times an operation {when}: it retries"
        return f"{facts.client} calls {facts.service} once an operation {when}: it does not retry"
    calls = f"{facts.client} calls {facts.service} {one.ratio:.1f} times as often {when}"
    if one.seen is Seen.YES:
        return f"{calls} as in calm: it retries, or asks anew for what it keeps in calm"
    return f"{calls} as in calm: no retry seen"


def of_breaker(facts: LinkFacts, planned: Sequence[PlannedCell]) -> str:
    """Whether it stops calling, in a clause with its numbers."""
    told = facts.breaker
    if told is None:
        return f"breaker not known: {_UNTOLD}"
    one, when = told.breaker, _when(told.window, planned)
    if one.seen is Seen.UNKNOWN:
        return f"breaker not known: {when} {one.reason}"
    if one.seen is Seen.NO:
        return f"calls went on {when}: no breaker seen"
    back = (
        "and were not seen to come back before the next fault"
        if one.back_s is None
        else f"and came back {'at once' if one.back_s < AT_ONCE_S else f'{seconds(one.back_s)} after the heal'}"
    )
    return f"{when} calls stopped after {seconds(one.stopped_s or 0.0)}, {back}: a breaker"


def _when(window: str, planned: Sequence[PlannedCell]) -> str:
    return next((while_in(one) for one in planned if one.window == window), f"in {window}")
