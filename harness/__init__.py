"""The names that a scenario may import, and no others.

They are loaded when they are first asked for: the load process and the guardian import this package too, and must not
carry the weight of the analysis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.checks.alert_fires import AlertBound, AlertFires
    from harness.checks.alerts_silent import AlertsSilent
    from harness.checks.amplification import Amplification
    from harness.checks.availability import Availability
    from harness.checks.breaker import Breaker
    from harness.checks.fallback import Fallback
    from harness.checks.goodput import GoodputAbove
    from harness.checks.latency import LatencyBelow
    from harness.checks.recovers import Recovers
    from harness.checks.retries import Retries
    from harness.faults.bandwidth import Bandwidth
    from harness.faults.blackhole import Blackhole
    from harness.faults.cpu_squeeze import CpuSqueeze
    from harness.faults.disk_full import DiskFull
    from harness.faults.dns_failure import DnsFailure
    from harness.faults.freeze import Freeze
    from harness.faults.kill import Kill
    from harness.faults.latency import Latency
    from harness.faults.limit_data import LimitData
    from harness.faults.memory_squeeze import MemorySqueeze
    from harness.faults.noop import Noop
    from harness.faults.outage import Outage
    from harness.faults.partition import Partition
    from harness.faults.reset import Reset
    from harness.faults.restart import Restart
    from harness.faults.slicer import Slicer
    from harness.faults.slow_close import SlowClose
    from harness.faults.stop import Stop
    from harness.model import Load, Scenario, Window, during

__all__ = [
    "AlertBound",
    "AlertFires",
    "AlertsSilent",
    "Amplification",
    "Availability",
    "Bandwidth",
    "Blackhole",
    "Breaker",
    "CpuSqueeze",
    "DiskFull",
    "DnsFailure",
    "Fallback",
    "Freeze",
    "GoodputAbove",
    "Kill",
    "Latency",
    "LatencyBelow",
    "LimitData",
    "Load",
    "MemorySqueeze",
    "Noop",
    "Outage",
    "Partition",
    "Recovers",
    "Reset",
    "Restart",
    "Retries",
    "Scenario",
    "Slicer",
    "SlowClose",
    "Stop",
    "Window",
    "during",
]

_HOMES = {
    "harness.checks.alert_fires": ("AlertBound", "AlertFires"),
    "harness.checks.alerts_silent": ("AlertsSilent",),
    "harness.checks.amplification": ("Amplification",),
    "harness.checks.availability": ("Availability",),
    "harness.checks.breaker": ("Breaker",),
    "harness.checks.fallback": ("Fallback",),
    "harness.checks.goodput": ("GoodputAbove",),
    "harness.checks.latency": ("LatencyBelow",),
    "harness.checks.recovers": ("Recovers",),
    "harness.checks.retries": ("Retries",),
    "harness.faults.bandwidth": ("Bandwidth",),
    "harness.faults.blackhole": ("Blackhole",),
    "harness.faults.cpu_squeeze": ("CpuSqueeze",),
    "harness.faults.disk_full": ("DiskFull",),
    "harness.faults.dns_failure": ("DnsFailure",),
    "harness.faults.freeze": ("Freeze",),
    "harness.faults.kill": ("Kill",),
    "harness.faults.latency": ("Latency",),
    "harness.faults.limit_data": ("LimitData",),
    "harness.faults.memory_squeeze": ("MemorySqueeze",),
    "harness.faults.noop": ("Noop",),
    "harness.faults.outage": ("Outage",),
    "harness.faults.partition": ("Partition",),
    "harness.faults.reset": ("Reset",),
    "harness.faults.restart": ("Restart",),
    "harness.faults.slicer": ("Slicer",),
    "harness.faults.slow_close": ("SlowClose",),
    "harness.faults.stop": ("Stop",),
    "harness.model": ("Load", "Scenario", "Window", "during"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
