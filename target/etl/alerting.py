"""What of the etl and of billing is worth waking somebody for."""

from __future__ import annotations

from target.alerts.database import not_let_in
from target.alerts.webhook import Alert
from target.billing.rules import Finding

BILLING = {
    "above": ("BillingAnomaly", "warning", "billing-anomaly"),
    "unit": ("BillingAnomaly", "critical", "billing-anomaly"),
    "missing": ("BillingDataMissing", "critical", "etl-bad-file"),
}


def wrong(
    stale: bool, errors: list[str], quarantined: int, findings: list[Finding], credentials_refused: float
) -> list[Alert]:
    """The alerts of this moment; credentials were refused so often in the last ten seconds."""
    alerts = []
    if stale:
        said = errors[0] if errors else "nothing was pulled for some time"
        alerts.append(Alert("EtlFeedStale", "etl", "warning", said, "etl-bad-file"))
    if quarantined:
        said = f"{quarantined} rows are in quarantine"
        alerts.append(Alert("EtlQuarantineNotEmpty", "etl", "warning", said, "etl-bad-file"))
    if credentials_refused > 0:
        alerts.append(not_let_in("etl", "the feed"))
    for one in findings:
        name, severity, runbook = BILLING[one.kind]
        more = {"month": one.month, **({"customer": one.customer} if one.customer else {})}
        said = f"{one.month}, {one.customer or 'all customers'}: {one.said}"
        alerts.append(Alert(name, "billing", severity, said, runbook, more))
    return alerts
