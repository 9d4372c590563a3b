"""What of the api is worth waking somebody for."""

from __future__ import annotations

from dataclasses import dataclass

from target.alerts.database import not_let_in
from target.alerts.webhook import Alert
from target.api.breaker import Breaker, State
from target.api.outbox import Depth

OUTBOX_MAX, OUTBOX_OLDEST_MAX_S = 20, 15.0
ERRORS_MIN, ERRORS_RATIO_MAX = 5, 0.05
RETRIES_MAX, RETRIES_RATIO_MAX = 20, 0.4
"""Twice what a Budget of retries lets through."""


@dataclass(frozen=True, slots=True)
class Counted:
    """In the last ten seconds. An error is a 5xx, but not 503: a refusal, whose cause has an alert of its own."""

    requests: float = 0
    errors: float = 0
    charges: float = 0
    retries: float = 0
    credentials_refused: float = 0


def wrong(breakers: list[Breaker], outbox: Depth, counted: Counted) -> list[Alert]:
    """The alerts of this moment."""
    alerts = []
    for one in breakers:
        if one.state is not State.CLOSED:
            name = f"{one.name.capitalize()}BreakerOpen"
            severity = "critical" if one.name == "payments" else "warning"
            said = f"calls to {one.name} failed, and are not made now"
            alerts.append(Alert(name, "api", severity, said, "payments-down"))
    if outbox.count > OUTBOX_MAX or outbox.oldest_s > OUTBOX_OLDEST_MAX_S:
        said = f"{outbox.count} accepted orders are not charged; the oldest waits for {outbox.oldest_s:.0f} s"
        alerts.append(Alert("OutboxGrowing", "api", "warning", said, "payments-down"))
    if counted.errors >= ERRORS_MIN and counted.errors > ERRORS_RATIO_MAX * counted.requests:
        said = f"{counted.errors:.0f} of {counted.requests:.0f} answers in 10 s were errors"
        alerts.append(Alert("ServerErrors", "api", "critical", said, "bad-deploy"))
    if counted.retries > RETRIES_MAX + RETRIES_RATIO_MAX * counted.charges:
        said = f"payments was asked {counted.retries:.0f} times again for {counted.charges:.0f} charges in 10 s"
        alerts.append(Alert("RetryStorm", "api", "warning", said, "retry-storm"))
    if counted.credentials_refused > 0:
        alerts.append(not_let_in("api", "a provider"))
    return alerts
