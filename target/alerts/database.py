"""What of its database is worth waking somebody for, in any service; pure."""

from __future__ import annotations

from collections.abc import Mapping

from target.alerts.webhook import Alert
from target.trouble import Trouble

SATURATED_MIN = 5


def not_let_in(service: str, who: str) -> Alert:
    """The same alert, whoever it is that does not let us in."""
    return Alert("CredentialsRefused", service, "critical", f"{who} refuses {service}'s credentials", "bad-config")


def wrong(service: str, gained: Mapping[str, float]) -> list[Alert]:
    """By what the database did not do in the last ten seconds; that it is away is seen by a ping."""
    alerts = []
    if gained.get(Trouble.CREDENTIALS, 0) > 0:
        alerts.append(not_let_in(service, "the database"))
    if (count := gained.get(Trouble.SATURATED, 0)) >= SATURATED_MIN:
        said = f"{count:.0f} times in 10 s the database had no connection, lock or time for {service}"
        alerts.append(Alert("DatabaseSaturated", service, "critical", said, "pool-exhausted"))
    if gained.get(Trouble.DISK, 0) > 0:
        said = f"the database cannot write for {service}: its disk is full"
        alerts.append(Alert("DatabaseDiskFull", service, "critical", said, "disk-full"))
    return alerts
