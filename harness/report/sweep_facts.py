"""The facts of a sweep's links, as its page shows them."""

from __future__ import annotations

from typing import Any

from harness.sweep.cells import Matrix
from harness.sweep.fact_words import line
from harness.sweep.facts import Carries, Retries, Seen, WindowFact
from harness.sweep.words import seconds


def facts_of(matrix: Matrix) -> list[dict[str, Any]]:
    """A row a link, each with a line a window; empty where no link of the sweep had a tap."""
    return [
        {
            "link": one.link,
            "ends": f"{one.client} to {one.service}",
            "retries": one.retries_seen.value if one.carries is Carries.HTTP else "–",
            "breaker": one.breaker_seen.value if one.carries is Carries.HTTP else "–",
            "text": line(one, matrix.sweep.cells).removeprefix(f"{one.link}: "),
            "windows": [_window(fact) for fact in one.windows],
        }
        for one in matrix.facts
    ]


def _window(fact: WindowFact) -> dict[str, str]:
    retries, breaker = fact.retries, fact.breaker
    reasons = dict.fromkeys(reason for reason in (retries.reason, breaker.reason) if reason)
    back = ""
    if breaker.seen is Seen.YES:
        back = "not seen" if breaker.back_s is None else seconds(breaker.back_s)
    return {
        "window": fact.window,
        "calls": f"{fact.calls:,}",
        "failed": f"{fact.failed:,}",
        "retries": retries.seen.value,
        "ratio": _ratio(retries),
        "told_by": retries.told_by.removesuffix("s"),
        "breaker": breaker.seen.value,
        "stopped": "" if breaker.stopped_s is None else seconds(breaker.stopped_s),
        "back": back,
        "reason": "; ".join(reasons),
    }


def _ratio(retries: Retries) -> str:
    if retries.ratio is None:
        return ""
    interval = "" if retries.low is None else f" ({retries.low:.2f} to {retries.high:.2f})"
    return f"{retries.ratio:.2f}{interval}"
