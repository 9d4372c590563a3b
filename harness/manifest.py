"""The manifest of a run: what was asked of what, with what, and the command that repeats it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harness.masking import mask_urls
from harness.model import Load
from harness.plan import Plan, check_in_words
from harness.stack.state import StackState
from harness.stack.toxiproxy_server import VERSION as TOXIPROXY_VERSION

PACKAGES = ("resilience-harness", "locust", "toxiproxy-python", "pandas", "matplotlib", "pyarrow", "numpy")


def manifest(plan: Plan, state: StackState, command: Sequence[str]) -> dict[str, Any]:
    """All keys but `zero_utc`, which is known when the clock starts."""
    scenario = plan.scenario
    return {
        "schema": 1,
        "scenario": plan.name,
        "hypothesis": scenario.hypothesis,
        "load": _load(scenario.load),
        "windows": [asdict(window) for window in plan.windows],
        "checks": [check_in_words(check, scenario) for check in scenario.checks],
        "duration_s": scenario.end_s,
        "calm_max_s": plan.calm_max_s,
        "warmup_s": scenario.warmup_s,
        "seed": scenario.seed,
        "command": list(command),
        "stack": state.kind,
        "variables": dict(state.variables),
        "services": [one.name for one in state.services],
        "tools": [one.name for one in state.services if one.name in state.own],
        "links": {
            one.name: {"client": one.client, "service": one.service, "tap": bool(one.behind_tap)} for one in state.links
        },
        "entry": mask_urls(state.entry),
        "entry_service": state.entry_service,
        "zero_utc": None,
        "versions": versions(),
        "environment": {
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "cpus": len(os.sched_getaffinity(0)),
        },
    }


def zero_utc(zero_ns: int, now_ns: int) -> str:
    """The UTC of the run's zero, from the monotonic clock's now."""
    return (datetime.now(UTC) + timedelta(seconds=(zero_ns - now_ns) * 1e-9)).isoformat(timespec="milliseconds")


def versions() -> dict[str, str]:
    """Of the harness, of what it is made of, and of Toxiproxy."""
    found: dict[str, str] = {"python": platform.python_version(), "toxiproxy-server": TOXIPROXY_VERSION}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _load(load: Load) -> Mapping[str, Any]:
    given = {one.name: getattr(load, one.name) for one in fields(load)}
    return {"model": load.model, **{name: value for name, value in given.items() if value not in (None, ())}}


def command_line() -> list[str]:
    """The command that repeats this run, as a user would type it, but for passwords."""
    return ["harness", *map(mask_urls, sys.argv[1:])]
