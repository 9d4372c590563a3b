"""Hand-built notices: alert() makes the messages of one alert, firing and resolved; told() a run that they came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.record import History, Mark, Notice, PlannedWindow
from tests.builders import history, steady, window

NAME = "PaymentsBreakerOpen"
LABELS = {"service": "api", "severity": "critical"}
RUNBOOK = {"runbook_url": "runbooks/payments-down.md"}
FAULT = (20.0, 40.0)
END_S = 80.0
WINDOWS = (window("payments slow", *FAULT, "api-payments"),)
KNOWS = Mark("webhook", 0.0, {"variable": "ALERT_WEBHOOK_URL"})
"""The stack was given the address of the webhook."""


def alert(
    *at_s: float | None,
    name: str = NAME,
    labels: Mapping[str, str] = LABELS,
    annotations: Mapping[str, str] = RUNBOOK,
    repeats_s: Sequence[float] = (),
) -> list[Notice]:
    """By turns firing and resolved at those times; None leaves the message out. `repeats_s` tell of the first again."""
    carried = {"alertname": name, **labels}
    fingerprint = f"{hash(tuple(sorted(carried.items()))) & 0xFFFF:x}"

    def one(time_s: float, status: str, began: object) -> Notice:
        ends = "" if status == "firing" else f"end-{time_s}"
        return Notice(time_s, status, name, carried, annotations, f"start-{began}", ends, fingerprint)

    made, began = [], at_s[0]
    for index, time_s in enumerate(at_s):
        began = time_s if index % 2 == 0 else began
        if time_s is not None:
            made.append(one(time_s, "resolved" if index % 2 else "firing", began))
    return [*made, *(one(time_s, "firing", at_s[0]) for time_s in repeats_s)]


def told(
    notices: Sequence[Notice] | None,
    windows: Sequence[PlannedWindow] = WINDOWS,
    *,
    end_s: float = END_S,
    marks: Sequence[Mark] = (),
    knows: bool = True,
) -> History:
    """A run that ended well. The stack `knows` the webhook."""
    known = (KNOWS,) if knows else ()
    all_marks = (*known, *marks, Mark("end", end_s, {"reason": "complete"}))
    ordered = None if notices is None else sorted(notices, key=lambda one: one.at_s)
    return history(steady(20, 0, end_s), windows, end_s=end_s, marks=all_marks, notices=ordered)
