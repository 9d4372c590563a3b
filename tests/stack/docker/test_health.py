"""How a container does while its stack starts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.stack.docker.health import is_lost, is_well, patience_s, probe, trouble

NOW = datetime(2026, 11, 24, 8, 0, 10, tzinfo=UTC)


def body(
    *, running: bool = True, health: str = "", code: int = 0, restarts: int = 0, since_s: float = 60.0, **state: Any
) -> dict[str, Any]:
    started = datetime.fromtimestamp(NOW.timestamp() - since_s, UTC).isoformat().replace("+00:00", "Z")
    found = {"Running": running, "ExitCode": code, "StartedAt": started, **state}
    if health:
        found["Health"] = {"Status": health, "Log": [{"Output": "first"}, {"Output": "no\nroute \n"}]}
    return {"State": found, "RestartCount": restarts, "Config": {}}


@pytest.mark.parametrize(
    ("container", "is_what"),
    [
        (body(), "well"),
        (body(health="healthy"), "well"),
        (body(health="starting"), "neither"),
        (body(health="unhealthy"), "lost"),
        (body(running=False), "well"),
        (body(running=False, code=3), "lost"),
        (body(running=False, code=3, Restarting=True), "neither"),
        (body(code=3, Restarting=True), "neither"),
        (body(restarts=1, since_s=1), "neither"),
        (body(restarts=1, since_s=3), "well"),
    ],
)
def test_a_container_is_well_or_lost_or_not_yet_either(container: dict[str, Any], is_what: str) -> None:
    """Jobs may end well; what is restarted must stay for a while; what its own check gives up is lost."""
    found = "well" if is_well(container, NOW) else "lost" if is_lost(container) else "neither"
    assert found == is_what
    assert not (is_well(container, NOW) and is_lost(container))


@pytest.mark.parametrize(
    ("container", "says"),
    [
        (body(), ""),
        (body(health="starting"), ""),
        (body(health="unhealthy"), "is not healthy"),
        (body(running=False, code=137), "ended with exit code 137"),
        (body(running=False, code=3, health="unhealthy"), "ended with exit code 3"),
        (body(code=3, restarts=4), "ends with exit code 3 again and again (4 restarts)"),
    ],
)
def test_what_is_wrong_is_told_in_words(container: dict[str, Any], says: str) -> None:
    """One that has ended is not told to be unhealthy, though its last check failed."""
    assert trouble(container) == says


def test_the_last_health_check_is_told_on_a_line() -> None:
    """It often says more than the log."""
    assert probe(body(health="unhealthy")) == "no route"
    assert probe(body()) == ""


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        (None, 60),
        ({"Test": ["NONE"]}, 60),
        ({"Test": ["CMD", "true"]}, 240),
        ({"Test": ["CMD", "true"], "Interval": 10**9, "Timeout": 10**9, "Retries": 3}, 60),
        ({"Test": ["CMD", "true"], "Interval": 10**9, "Timeout": 10**9, "Retries": 2, "StartPeriod": 10**11}, 106),
    ],
)
def test_a_container_is_waited_for_as_long_as_its_own_check_takes(check: Any, seconds: float) -> None:
    """Its start period, and one try more than its retries; what it does not say is Docker's."""
    found = body()
    found["Config"] = {"Healthcheck": check}
    assert patience_s(found) == seconds
