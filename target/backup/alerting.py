"""What of the backups is worth waking somebody for; pure."""

from __future__ import annotations

from target.alerts.webhook import Alert

RUNBOOK = "backup-failed"


def wrong(troubles: list[str], stale_s: float, is_stale: bool, unverified: str) -> list[Alert]:
    """The alerts of this moment."""
    alerts = []
    if troubles:
        alerts.append(Alert("BackupFailed", "backup", "critical", troubles[0], RUNBOOK))
    if is_stale:
        alerts.append(Alert("BackupStale", "backup", "critical", f"no good backup for {stale_s:.0f} s", RUNBOOK))
    if unverified:
        alerts.append(Alert("BackupUnverified", "backup", "warning", unverified, RUNBOOK))
    return alerts
