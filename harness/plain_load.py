"""The plain load test as a scenario: no stack of ours, no fault, the same run folder and the same report."""

from __future__ import annotations

from pathlib import Path

from harness.checks.availability import Availability
from harness.durations import seconds
from harness.errors import ScenarioError
from harness.model import Load, Scenario


def plain_load(
    locustfile: Path,
    duration: str,
    warmup: str,
    rate_per_s: float | None,
    users: int | None,
    ok_ratio_min: float,
    seed: int,
) -> Scenario:
    """The scenario of `harness load`. Raises ScenarioError on values that make no load."""
    try:
        driven = Load(str(locustfile), rate_per_s=rate_per_s, users=users)
        how = f"{rate_per_s:g} requests/s" if rate_per_s else f"{users} users" if users else "its load shape"
        return Scenario(
            hypothesis=f"Under {locustfile.name} at {how}, {ok_ratio_min:.4g} of all requests are ok.",
            load=driven,
            checks=(Availability(ok_ratio_min=ok_ratio_min),),
            duration_s=seconds(duration),
            warmup_s=seconds(warmup),
            seed=seed,
        )
    except ValueError as error:
        raise ScenarioError(str(error)) from error
