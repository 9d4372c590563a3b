"""What of the api is worth waking somebody for."""

from __future__ import annotations

from target.alerts.webhook import Alert
from target.api.breaker import Breaker, State
from target.api.outbox import Depth

OUTBOX_MAX, OUTBOX_OLDEST_MAX_S = 20, 15.0


def wrong(breakers: list[Breaker], outbox: Depth) -> list[Alert]:
    """The alerts of this moment."""
    alerts = []
    for one in breakers:
        if one.state is not State.CLOSED:
            name = f"{one.name.capitalize()}BreakerOpen"
            severity = "critical" if one.name == "payments" else "warning"
            said = f"calls to {one.name} failed, and are not made now"
            alerts.append(Alert(name, "api", severity, said, f"{one.name}-down"))
    if outbox.count > OUTBOX_MAX or outbox.oldest_s > OUTBOX_OLDEST_MAX_S:
        said = f"{outbox.count} accepted orders are not charged; the oldest waits for {outbox.oldest_s:.0f} s"
        alerts.append(Alert("OutboxGrowing", "api", "warning", said, "payments-down"))
    return alerts
