"""Tells an alert's receiver: the message is that of Alertmanager's webhook, version 4, which most of them take."""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

from harness.errors import BackupError
from harness.masking import mask_urls

NEVER = "0001-01-01T00:00:00Z"
NOT_RESTORABLE, NOT_VERIFIED = "BackupNotRestorable", "BackupNotVerified"
TRIES, TIMEOUT_S = 3, 10.0


def message(
    name: str, subject: str, summary: str, at: datetime, *, kind: str = "", resolved: bool = False
) -> dict[str, Any]:
    """A group of one alert: it is resolved by one of the same subject and kind. `subject` is the folder of backups, or
    the backup where there is no folder."""
    status = "resolved" if resolved else "firing"
    group = {"alertname": name, "service": "backup", "backup": subject} | ({"kind": kind} if kind else {})
    labels = {**group, "severity": "critical"}
    annotations = {"summary": summary, "runbook": "backup-failed"}
    time = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fingerprint = hashlib.sha256("\xff".join(f"{k}\xff{v}" for k, v in sorted(labels.items())).encode()).hexdigest()[
        :16
    ]
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{', '.join(f'{k}={json.dumps(v)}' for k, v in sorted(group.items()))}}}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "webhook",
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": annotations,
                "startsAt": time,
                "endsAt": time if resolved else NEVER,
                "generatorURL": "",
                "fingerprint": fingerprint,
            }
        ],
    }


def require_url(url: str) -> str:
    """Raises BackupError for what is no address of a webhook."""
    if not url.startswith(("http://", "https://")):
        raise BackupError(f"a webhook is an address of http or https; given {url!r}")
    return url


def send(url: str, body: dict[str, Any]) -> str:
    """Post it, some times if need be; "" when it was taken, else a sentence."""
    request = urllib.request.Request(
        require_url(url), json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    why = ""
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):
                return ""
        except urllib.error.HTTPError as error:
            why = f"it answered {error.code}"
            if error.code < 500:
                break
        except http.client.InvalidURL:
            why = "its address is none: a name and a password before the host are not taken"
            break
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = str(getattr(error, "reason", error))
    return f"the alert did not reach {mask_urls(url)}: {why}"
