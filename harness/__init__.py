"""The names that a scenario may import, and no others.

They are loaded when they are first asked for: the load process and the guardian import this package too, and must not
carry the weight of the analysis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.checks.availability import Availability
    from harness.checks.goodput import GoodputAbove
    from harness.checks.latency import LatencyBelow
    from harness.checks.recovers import Recovers
    from harness.faults.bandwidth import Bandwidth
    from harness.faults.blackhole import Blackhole
    from harness.faults.latency import Latency
    from harness.faults.limit_data import LimitData
    from harness.faults.noop import Noop
    from harness.faults.outage import Outage
    from harness.faults.reset import Reset
    from harness.faults.slicer import Slicer
    from harness.faults.slow_close import SlowClose
    from harness.model import Load, Scenario, Window, during

__all__ = [
    "Availability",
    "Bandwidth",
    "Blackhole",
    "GoodputAbove",
    "Latency",
    "LatencyBelow",
    "LimitData",
    "Load",
    "Noop",
    "Outage",
    "Recovers",
    "Reset",
    "Scenario",
    "Slicer",
    "SlowClose",
    "Window",
    "during",
]

_HOMES = {
    "harness.model": ("Load", "Scenario", "Window", "during"),
    "harness.checks.availability": ("Availability",),
    "harness.checks.goodput": ("GoodputAbove",),
    "harness.checks.latency": ("LatencyBelow",),
    "harness.checks.recovers": ("Recovers",),
    "harness.faults.bandwidth": ("Bandwidth",),
    "harness.faults.blackhole": ("Blackhole",),
    "harness.faults.latency": ("Latency",),
    "harness.faults.limit_data": ("LimitData",),
    "harness.faults.noop": ("Noop",),
    "harness.faults.outage": ("Outage",),
    "harness.faults.reset": ("Reset",),
    "harness.faults.slicer": ("Slicer",),
    "harness.faults.slow_close": ("SlowClose",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
