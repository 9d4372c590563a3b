"""How a container does while its stack starts, from its `inspect` body: well, lost, or not yet either."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NS_PER_S = 1e9
SETTLED_S = 2.0
"""How long one that had to be restarted must have run since, to be well."""
PATIENCE_S, PROBE_S, RETRIES = 60.0, 30.0, 3
"""At least so long we wait; what Docker takes where a health check does not say."""

Body = Mapping[str, Any]


def is_well(body: Body, now: datetime | None = None) -> bool:
    """Healthy where it says how it does, running where it does not, or ended well as jobs do."""
    state = body["State"]
    if not state["Running"]:
        return state["ExitCode"] == 0 and not state.get("Restarting")
    if state.get("Restarting") or (body.get("RestartCount") and _runs_for_s(state, now) < SETTLED_S):
        return False
    return _health(state) in ("", "none", "healthy")


def is_lost(body: Body) -> bool:
    """It has ended badly and stays so, or its own health check has given it up (as Compose does then)."""
    state = body["State"]
    if state.get("Restarting"):
        return False
    return _health(state) == "unhealthy" if state["Running"] else state["ExitCode"] != 0


def ended_well(body: Body) -> bool:
    """As a job does: no error, and nothing that would start it again."""
    state = body["State"]
    if state["Running"] or state.get("Restarting") or state["ExitCode"] != 0:
        return False
    return body["HostConfig"]["RestartPolicy"]["Name"] in ("", "no", "on-failure")


def trouble(body: Body) -> str:
    """What is wrong with it, in words; empty where nothing is known to be."""
    state = body["State"]
    if state.get("Restarting") or (state["Running"] and body.get("RestartCount")):
        return f"ends with exit code {state['ExitCode']} again and again ({body['RestartCount']} restarts)"
    if is_lost(body):
        return "is not healthy" if state["Running"] else f"ended with exit code {state['ExitCode']}"
    return ""


def probe(body: Body) -> str:
    """What the last of its health checks said, on a line; empty where none said anything."""
    log = (body["State"].get("Health") or {}).get("Log") or ()
    return " ".join(str(log[-1]["Output"]).split()) if log else ""


def patience_s(body: Body) -> float:
    """How long to wait for it: until its own health check would have given it up."""
    check = body["Config"].get("Healthcheck") or {}
    if not check or check.get("Test") == ["NONE"]:
        return PATIENCE_S
    a_try_s = sum((check.get(key) or PROBE_S * NS_PER_S) / NS_PER_S for key in ("Interval", "Timeout"))
    gives_up_s = (check.get("StartPeriod") or 0) / NS_PER_S + (1 + (check.get("Retries") or RETRIES)) * a_try_s
    return float(max(PATIENCE_S, gives_up_s))


def _health(state: Mapping[str, Any]) -> str:
    return str((state.get("Health") or {}).get("Status", ""))


def _runs_for_s(state: Mapping[str, Any], now: datetime | None) -> float:
    return ((now or datetime.now(UTC)) - datetime.fromisoformat(state["StartedAt"])).total_seconds()
