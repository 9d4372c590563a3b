"""Reads Alertmanager's webhook messages, version 4; pure."""

from __future__ import annotations

import json
from typing import Any

from harness.outpost.wire import Refused

VERSION = "4"
_TEXTS = ("startsAt", "endsAt", "fingerprint")


def notices_of(body: bytes) -> list[dict[str, Any]]:
    """One for each alert of the message, with what the harness keeps of it. Raises Refused, saying what is wrong."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"no JSON ({type(error).__name__}): {body[:80]!r}") from error
    if not isinstance(message, dict) or message.get("version") != VERSION:
        given = message.get("version") if isinstance(message, dict) else message
        raise Refused(400, f'no Alertmanager message of version "{VERSION}"; given {_short(given)}')
    alerts = message.get("alerts")
    if not isinstance(alerts, list):
        raise Refused(400, f"alerts must be a list; given {_short(alerts)}")
    return [_notice(one) for one in alerts]


def _notice(alert: object) -> dict[str, Any]:
    if not isinstance(alert, dict):
        raise Refused(400, f"an alert must be an object; given {_short(alert)}")
    if alert.get("status") not in ("firing", "resolved"):
        raise Refused(400, f"an alert's status is firing or resolved; given {_short(alert.get('status'))}")
    kept: dict[str, Any] = {"status": alert["status"]}
    for name in ("labels", "annotations"):
        given = alert.get(name) or {}
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            raise Refused(400, f"an alert's {name} are texts by name; given {_short(given)}")
        kept[name] = given
    for name in _TEXTS:
        given = alert.get(name) or ""
        if not isinstance(given, str):
            raise Refused(400, f"an alert's {name} is a text; given {_short(given)}")
        kept[name] = given
    return kept


def _short(value: object) -> str:
    try:
        return repr(value)[:80]
    except RecursionError:
        return type(value).__name__
