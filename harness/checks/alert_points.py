"""What AlertFires asks of each stretch of trouble, point by point; each point has a sentence of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.alerts import Firing, firings
from harness.analysis.readings import listed
from harness.checks.parts import FAULTS
from harness.checks.points import Point, counted
from harness.record import History, Scalar, Word

if TYPE_CHECKING:
    from harness.checks.alert_fires import AlertFires

RUNBOOK = ("runbook_url", "runbook")
"""The annotations in which a link to a runbook is looked for."""
HOW_TO_HEAR = (
    "name the variable of the Compose file that takes the webhook's address with `alerts: VARIABLE` in x-harness "
    "(docs/test-an-alert.md)"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A window, or windows that overlap. What fires until `until_s` is its own; `is_first`: all was well before it.
    `is_run`: what is wrong was so before the clock began."""

    name: str
    start_s: float
    end_s: float
    until_s: float
    is_first: bool
    is_run: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one alert in a run, and which others fired. `doubt` is why more may have been sent; "" where not."""

    all: Sequence[Firing]
    others: Sequence[str]
    end_s: float
    doubt: str


def why_not_heard(history: History) -> str | None:
    """Why nothing can be said of alerts, in a clause with what to do; None where they would have been heard."""
    if history.notices is None:
        return f"no webhook was open in this run, so no alert could be heard; {HOW_TO_HEAR}"
    if not history.notices and not history.marks_of("webhook"):
        return f"no alert came in the whole run, and nothing shows that the stack knows the webhook; {HOW_TO_HEAR}"
    return None


def doubt(history: History) -> str:
    """Why an alert that did not come may have been sent all the same: the webhook broke off, or did not understand."""
    for mark in history.marks_of("outpost"):
        if mark.data.get("error"):
            return f"not all that was sent was heard: {mark.data['error']}"
        count = mark.data.get("malformed")
        if isinstance(count, int) and count:
            came = counted(count, "message")
            return f"{came} came that Alertmanager would not send, the last: {mark.data.get('malformed_last')}"
    return ""


def heard(history: History, name: str, service: str | None) -> Heard:
    """The firings of one alert, of one service where one is named."""
    every = firings(history.notices or ())
    mine = [one for one in every if one.name == name and service in (None, one.labels.get("service"))]
    others = sorted({_called(one) for one in every if one not in mine})
    return Heard(mine, others, max((phase.end_s for phase in history.phases), default=0.0), doubt(history))


def troubles(history: History, after: str) -> list[Trouble]:
    """The stretches after which the alert is wanted: all windows, of which those that overlap are one, those of a name,
    or the run."""
    if after == "run":
        end_s = max((phase.end_s for phase in history.phases), default=0.0)
        return [Trouble("the run", 0.0, end_s, until_s=float("inf"), is_first=True, is_run=True)]
    windows = sorted(history.windows, key=lambda one: (one.start_s, one.end_s))
    joined: list[tuple[str, float, float]] = []
    for one in windows if after == FAULTS else [one for one in windows if one.name == after]:
        if joined and one.start_s < joined[-1][2]:
            name, start_s, end_s = joined[-1]
            joined[-1] = (f"{name} and {one.name}", start_s, max(end_s, one.end_s))
        else:
            joined.append((one.name, one.start_s, one.end_s))
    starts = [one.start_s for one in windows]
    return [
        Trouble(
            name,
            start_s,
            end_s,
            until_s=min((other for other in starts if other >= end_s), default=float("inf")),
            is_first=all(other >= start_s for other in starts),
        )
        for name, start_s, end_s in joined
    ]


def points_of(seen: Heard, trouble: Trouble, asked: AlertFires) -> list[Point]:
    """The point that speaks where the alert did not fire as it should, else all."""
    before = None if trouble.is_run else _before(seen, trouble, asked)
    if before is not None and any(one.is_on(trouble.start_s) for one in seen.all):
        return [before]
    points = [before] if before is not None else []
    begun_s = float("-inf") if trouble.is_run else trouble.start_s
    own = [one for one in seen.all if begun_s <= one.fired_s < trouble.until_s]
    meant = [one for one in own if _lacks(one, asked.labels) is None] or own
    points.append(_doubted(_fires(seen, meant, trouble, asked), seen.doubt))
    if not meant:
        return points
    if asked.labels:
        points.append(_labels(meant, asked))
    if asked.runbook:
        points.append(_runbook(meant, asked))
    if asked.once:
        points.append(_doubted(_once(meant, trouble, asked), seen.doubt))
    if asked.resolves_within_s is not None:
        points.append(_doubted(_resolves(seen, meant, trouble, asked, asked.resolves_within_s), seen.doubt))
    return points


def _doubted(point: Point, why: str) -> Point:
    """What was not heard may have been sent: an alert that is missing or late, or a second one."""
    shaken = Word.PASS if point.name == "once" else Word.FAIL
    if not why or point.word is not shaken:
        return point
    return Point(point.name, Word.UNKNOWN, f"{point.clause}, but {why}", point.numbers)


def _before(seen: Heard, trouble: Trouble, asked: AlertFires) -> Point | None:
    """Not before its window began. What still fires from an earlier window hides whether it fires for this one."""
    name = "not before"
    early = [
        one for one in seen.all if one.fired_s < trouble.start_s and (trouble.is_first or one.is_on(trouble.start_s))
    ]
    if not early:
        return None
    first = early[0]
    numbers: dict[str, Scalar] = {"fired_s": first.fired_s}
    if trouble.is_first:
        clause = f"{asked.name} fired at {first.fired_s:.1f} s, before {trouble.name} began at {trouble.start_s:g} s"
        return Point(name, Word.FAIL, clause, numbers)
    clause = f"{asked.name} still fired from {first.fired_s:.1f} s on when {trouble.name} began, so it cannot be told"
    return Point(name, Word.UNKNOWN, f"{clause} whether it fires for that; leave it time to be resolved", numbers)


def _fires(seen: Heard, meant: Sequence[Firing], trouble: Trouble, asked: AlertFires) -> Point:
    name, limit_s, wanted = "fires", asked.limit_s, f"within {asked.limit_in_words} wanted"
    numbers: dict[str, Scalar] = {"within_s": limit_s, "due_s": trouble.start_s + limit_s}
    if meant:
        after_s = meant[0].fired_s - trouble.start_s
        word = Word.PASS if after_s <= limit_s else Word.FAIL
        when = f"{after_s:.1f} s after {trouble.name} began" if after_s >= 0 else "in the warm-up"
        clause = f"{asked.name} fired {when}, {wanted}"
        return Point(name, word, clause, {"fired_after_s": round(after_s, 3), **numbers})
    clause = f"{asked.name} did not fire{f' for {asked.service}' if asked.service else ''} after {trouble.name} began"
    watched_s, lasted_s = min(trouble.until_s, seen.end_s) - trouble.start_s, trouble.end_s - trouble.start_s
    if watched_s < limit_s:
        more = f"{watched_s:g} s were watched, and {limit_s:g} s are its bound; let the run go on"
        return Point(name, Word.UNKNOWN, f"{clause}, but {more}", numbers)
    if lasted_s < limit_s:
        more = f"the fault lasted {lasted_s:g} s, and what is over before its bound of {limit_s:g} s need not fire"
        return Point(name, Word.UNKNOWN, f"{clause}, but {more}; let it last longer", numbers)
    others = f"what fired is {listed(list(seen.others))}" if seen.others else "nothing else fired either"
    return Point(name, Word.FAIL, f"{clause}, {wanted}; {others}", numbers)


def _labels(meant: Sequence[Firing], asked: AlertFires) -> Point:
    lacks = _lacks(meant[0], asked.labels)
    if lacks is not None:
        return Point("labels", Word.FAIL, f"{asked.name} fired {lacks}")
    carried = listed([f"{name}={value}" for name, value in asked.labels.items()])
    return Point("labels", Word.PASS, f"{asked.name} carried {carried}, as wanted")


def _lacks(one: Firing, labels: Mapping[str, str]) -> str | None:
    for name, wanted in labels.items():
        found = one.labels.get(name)
        if found != wanted:
            carried = f"without a label {name}" if found is None else f"with {name}={found}"
            return f"{carried}, {name}={wanted} wanted"
    return None


def _runbook(meant: Sequence[Firing], asked: AlertFires) -> Point:
    for one in meant:
        if not any(one.annotations.get(name, "").strip() for name in RUNBOOK):
            clause = f"{asked.name} came without a link to a runbook (annotation {' or '.join(RUNBOOK)})"
            return Point("runbook", Word.FAIL, clause)
    link = next(meant[0].annotations[name] for name in RUNBOOK if meant[0].annotations.get(name, "").strip())
    return Point("runbook", Word.PASS, f"{asked.name} links to {link}", {"link": link})


def _once(meant: Sequence[Firing], trouble: Trouble, asked: AlertFires) -> Point:
    each: dict[object, list[Firing]] = {}
    for one in meant:
        each.setdefault(one.key, []).append(one)
    most = max(each.values(), key=len)
    numbers: dict[str, Scalar] = {"times": len(most), "repeats": sum(one.repeats for one in meant), "alerts": len(each)}
    if len(most) > 1:
        span = f"from {most[0].fired_s:.1f} s to {most[-1].fired_s:.1f} s"
        clause = f"{asked.name} fired {len(most)} times for one {trouble.name}, {span}; once wanted"
        return Point("once", Word.FAIL, clause, numbers)
    return Point("once", Word.PASS, "it fired once", numbers)


def _resolves(seen: Heard, meant: Sequence[Firing], trouble: Trouble, asked: AlertFires, within_s: float) -> Point:
    name, wanted = "resolves", f"within {within_s:g} s wanted"
    last = {one.key: one for one in meant}
    ends_s = [one.resolved_s for one in last.values() if one.resolved_s is not None]
    if len(ends_s) == len(last):
        after_s = max(ends_s) - trouble.end_s
        when = f"{abs(after_s):.1f} s {'before' if after_s < 0 else 'after'} the fault ended"
        word = Word.PASS if after_s <= within_s else Word.FAIL
        clause = f"{asked.name} was resolved {when}, {wanted}"
        return Point(name, word, clause, {"resolved_after_s": round(after_s, 3), "within_s": within_s})
    watched_s = min(seen.end_s, trouble.until_s) - trouble.end_s
    clause = f"{asked.name} was not resolved in the {max(0.0, watched_s):g} s after the fault ended"
    if watched_s < within_s:
        more = f"{within_s:g} s are its bound; let the run go on"
        return Point(name, Word.UNKNOWN, f"{clause}, and {more}", {"within_s": within_s})
    return Point(name, Word.FAIL, f"{clause}, {wanted}", {"within_s": within_s})


def _called(one: Firing) -> str:
    service = one.labels.get("service")
    return f"{one.name} of {service}" if service else one.name
