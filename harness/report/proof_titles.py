"""The sentences over the charts of proofs, made from what crossed the links, what services said, what alerts came."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.alert_lanes import service_of
from harness.analysis.alerts import Firing
from harness.analysis.amounts import milliseconds
from harness.analysis.backoff import Backoff, Jitter
from harness.analysis.breaker import Interval, State
from harness.analysis.operations import Operation
from harness.analysis.rows import RowFlow
from harness.record import PlannedWindow

GROWS = 1.2
"""Less is no growth to speak of, however sure: an attempt's own overhead adds as much."""
JITTERS = {Jitter.NONE: "without jitter", Jitter.SMALL: "jittered a little"}


def attempts_title(found: Sequence[Operation], link: str) -> str:
    """How many were tried again, how often at most, and how it ended."""
    tried = [one for one in found if len(one.attempts) > 1]
    if not tried:
        return f"No operation on {link} was tried again"
    most = max(len(one.attempts) for one in tried)
    were = "was" if len(tried) == 1 else "were"
    said = f"{len(tried):,} of {len(found):,} operations on {link} {were} tried again, with {most} attempts at most"
    gave_up, after = sum(one.gave_up for one in tried), sum(one.tries_after_success > 0 for one in tried)
    ended = [f"{len(tried) - gave_up:,} came through" if gave_up < len(tried) else "none came through"]
    ended += [f"{after:,} went on after a success"] if after else []
    guess = "" if any(one.sure for one in tried) else " (told by likeness, which is a guess)"
    return f"{said}; {', '.join(ended)}{guess}"


def backoff_title(found: Backoff, link: str) -> str:
    """Whether the gaps grow, by what, and whether they spread."""
    first, last = (milliseconds(1000 * one) for one in (found.mean_s[0], max(found.mean_s)))
    of = f"over {found.operations:,} operation{'s' * (found.operations != 1)}"
    if found.at_once:
        return f"Tries on {link} follow one another at once: gaps of {last}, {of}"
    jitter = JITTERS.get(found.jitter, f"with {found.jitter.name.lower()} jitter")
    if found.low > 1 and found.factor >= GROWS:
        return f"Gaps on {link} grow ×{found.factor:.2f} with each try, from {first} to {last}, {jitter}, {of}"
    interval = f"×{found.factor:.2f}, {found.low:.2f} to {found.high:.2f}"
    if found.enough:
        return f"Gaps on {link} do not grow ({interval}): about {first} each, {jitter}, {of}"
    return f"Whether gaps on {link} grow is not known ({interval}) {of}; {found.needed} are needed"


def breaker_title(
    states: Sequence[Interval], windows: Sequence[PlannedWindow], link: str, *, judged: bool = True
) -> str:
    """When it opened and closed, by the first window that it opened in; or that it never did.

    Where no check spoke of a breaker there may be none: only the calls are spoken of.
    """
    subject, opens, closes, never = f"The breaker on {link}", "opened", "closed", "did not close again"
    if not judged:
        subject, opens, closes, never = f"Calls on {link}", "stopped", "flowed again", "did not flow again"
    opened = [one for one in states if one.state is State.OPEN]
    if not opened:
        where = f" in {windows[0].name}" if len(windows) == 1 else ""
        failed = sum(one.failed for one in states)
        return f"{subject} never {opens}{where}, though {failed:,} calls failed or were slow"
    first = opened[0]
    window = next((one for one in windows if one.start_s <= first.start_s < one.end_s), None)
    said = f"at {first.start_s:.1f} s"
    if window is not None:
        said = f"{first.start_s - window.start_s:.1f} s after {window.name} began"
    times = f", {len(opened)} times in all" if len(opened) > 1 else ""
    said = f"{subject} {opens} {said}{times}"
    if states[-1].state is not State.CLOSED:
        return f"{said}, and {never}"
    closed_s = states[-1].start_s
    healed_s = max((one.end_s for one in windows if one.end_s <= closed_s), default=None)
    closed = f"at {closed_s:.1f} s" if healed_s is None else f"{closed_s - healed_s:.1f} s after the fault"
    return f"{said}, and {closes} {closed}"


def rows_title(rows: RowFlow) -> str:
    """Whether all rows are accounted for."""
    ends = [f"{count:,} {name}" for name, count in rows.ends.items() if name != "lost"]
    said = f"Of {rows.offered:,} rows {', '.join(ends).replace(' ', ' were ', 1) or 'none was accounted for'}"
    wrong = [f"{rows.lost:,} lost"] if rows.lost else []
    wrong += [f"{rows.twice:,} loaded twice"] if rows.twice else []
    return f"{said}; {', '.join(wrong) or 'none lost, none twice'}"


def alerts_title(found: Sequence[Firing], windows: Sequence[PlannedWindow]) -> str:
    """Which alert came first and how soon after its window began, and how many went on to the end."""
    if not found:
        return "No alert came"
    first = found[0]
    window = max((one for one in windows if one.start_s <= first.fired_s), key=lambda one: one.start_s, default=None)
    when = f"at {first.fired_s:.1f} s" if first.fired_s >= 0 else "in the warm-up"
    if window:
        when = f"{first.fired_s - window.start_s:.1f} s after {window.name} began"
    names = len({(one.name, service_of(one)) for one in found})
    times = f" {len(found)} times" if len(found) > names else ""
    said = f"{names} alerts fired{times}, {first.name} first, {when}"
    if names == 1:
        said = f"{first.name} fired{f'{times}, first' if times else ''} {when}"
    still = sum(one.resolved_s is None for one in found)
    resolved = "resolved" if len(found) == 1 else f"all {len(found)} resolved"
    return f"{said}; {f'{still} of {len(found)} not resolved' if still else resolved}"
