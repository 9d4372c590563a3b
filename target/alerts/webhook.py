"""An alert, and Alertmanager's webhook message (version 4) about it; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

NEVER = "0001-01-01T00:00:00Z"
"""How Alertmanager writes the end of what has not ended."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something is wrong. Its labels say which alert it is; what it says may change while it fires."""

    name: str
    service: str
    severity: str
    summary: str = field(compare=False)
    runbook: str
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        return {"alertname": self.name, "service": self.service, "severity": self.severity, **self.more}

    @property
    def fingerprint(self) -> str:
        text = "\xff".join(f"{name}\xff{value}" for name, value in sorted(self.labels.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def message(
    alert: Alert, started: datetime, ended: datetime | None, runbooks_url: str, from_url: str
) -> dict[str, Any]:
    """A group of one: firing while it has not ended, else resolved."""
    status = "firing" if ended is None else "resolved"
    group = {"alertname": alert.name, "service": alert.service}
    annotations = {"summary": alert.summary, "runbook_url": f"{runbooks_url.rstrip('/')}/{alert.runbook}.md"}
    key = ", ".join(f'{name}="{value}"' for name, value in group.items())
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{key}}}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "webhook",
        "groupLabels": group,
        "commonLabels": alert.labels,
        "commonAnnotations": annotations,
        "externalURL": from_url,
        "alerts": [
            {
                "status": status,
                "labels": alert.labels,
                "annotations": annotations,
                "startsAt": _text(started),
                "endsAt": NEVER if ended is None else _text(ended),
                "generatorURL": f"{from_url}/metrics",
                "fingerprint": alert.fingerprint,
            }
        ],
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
