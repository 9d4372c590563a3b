"""The names that a scenario or a drill may import, and no others.

They are loaded when they are first asked for: the load process and the guardian import this package too, and must not
carry the weight of the analysis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.checks.account_says import AccountSays
    from harness.checks.alert_fires import AlertBound, AlertFires
    from harness.checks.alerts_silent import AlertsSilent
    from harness.checks.amplification import Amplification
    from harness.checks.availability import Availability
    from harness.checks.batches import NoPartialBatch
    from harness.checks.breaker import Breaker
    from harness.checks.fallback import Fallback
    from harness.checks.goodput import GoodputAbove
    from harness.checks.latency import LatencyBelow
    from harness.checks.outbox import OutboxDrains
    from harness.checks.recovers import Recovers
    from harness.checks.retries import Retries
    from harness.checks.rows import RowsAccounted
    from harness.drill.model import Drill, Job, Writes
    from harness.faults.bad_data import BadData
    from harness.faults.bandwidth import Bandwidth
    from harness.faults.blackhole import Blackhole
    from harness.faults.cpu_squeeze import CpuSqueeze
    from harness.faults.cut_body import CutBody
    from harness.faults.damage_backup import DamageBackup
    from harness.faults.deploy import Deploy
    from harness.faults.disk_full import DiskFull
    from harness.faults.dns_failure import DnsFailure
    from harness.faults.duplicate_request import DuplicateRequest
    from harness.faults.fail_first import FailFirst
    from harness.faults.fail_ratio import FailRatio
    from harness.faults.freeze import Freeze
    from harness.faults.http_delay import HttpDelay
    from harness.faults.http_hang import HttpHang
    from harness.faults.http_status import HttpStatus
    from harness.faults.junk_file import JunkFile
    from harness.faults.kill import Kill
    from harness.faults.latency import Latency
    from harness.faults.limit_data import LimitData
    from harness.faults.lose_data import LoseData
    from harness.faults.memory_squeeze import MemorySqueeze
    from harness.faults.noop import Noop
    from harness.faults.outage import Outage
    from harness.faults.partition import Partition
    from harness.faults.reset import Reset
    from harness.faults.restart import Restart
    from harness.faults.slicer import Slicer
    from harness.faults.slow_body import SlowBody
    from harness.faults.slow_close import SlowClose
    from harness.faults.sql import Sql
    from harness.faults.stop import Stop
    from harness.faults.wrong_content_type import WrongContentType
    from harness.model import Load, Scenario, Window, during

__all__ = [
    "AccountSays",
    "AlertBound",
    "AlertFires",
    "AlertsSilent",
    "Amplification",
    "Availability",
    "BadData",
    "Bandwidth",
    "Blackhole",
    "Breaker",
    "CpuSqueeze",
    "CutBody",
    "DamageBackup",
    "Deploy",
    "DiskFull",
    "DnsFailure",
    "Drill",
    "DuplicateRequest",
    "FailFirst",
    "FailRatio",
    "Fallback",
    "Freeze",
    "GoodputAbove",
    "HttpDelay",
    "HttpHang",
    "HttpStatus",
    "Job",
    "JunkFile",
    "Kill",
    "Latency",
    "LatencyBelow",
    "LimitData",
    "Load",
    "LoseData",
    "MemorySqueeze",
    "NoPartialBatch",
    "Noop",
    "Outage",
    "OutboxDrains",
    "Partition",
    "Recovers",
    "Reset",
    "Restart",
    "Retries",
    "RowsAccounted",
    "Scenario",
    "Slicer",
    "SlowBody",
    "SlowClose",
    "Sql",
    "Stop",
    "Window",
    "Writes",
    "WrongContentType",
    "during",
]

_HOMES = {
    "harness.checks.account_says": ("AccountSays",),
    "harness.checks.alert_fires": ("AlertBound", "AlertFires"),
    "harness.checks.alerts_silent": ("AlertsSilent",),
    "harness.checks.amplification": ("Amplification",),
    "harness.checks.availability": ("Availability",),
    "harness.checks.batches": ("NoPartialBatch",),
    "harness.checks.breaker": ("Breaker",),
    "harness.checks.fallback": ("Fallback",),
    "harness.checks.goodput": ("GoodputAbove",),
    "harness.checks.latency": ("LatencyBelow",),
    "harness.checks.outbox": ("OutboxDrains",),
    "harness.checks.recovers": ("Recovers",),
    "harness.checks.retries": ("Retries",),
    "harness.checks.rows": ("RowsAccounted",),
    "harness.drill.model": ("Drill", "Job", "Writes"),
    "harness.faults.bad_data": ("BadData",),
    "harness.faults.bandwidth": ("Bandwidth",),
    "harness.faults.blackhole": ("Blackhole",),
    "harness.faults.cpu_squeeze": ("CpuSqueeze",),
    "harness.faults.cut_body": ("CutBody",),
    "harness.faults.damage_backup": ("DamageBackup",),
    "harness.faults.deploy": ("Deploy",),
    "harness.faults.disk_full": ("DiskFull",),
    "harness.faults.dns_failure": ("DnsFailure",),
    "harness.faults.duplicate_request": ("DuplicateRequest",),
    "harness.faults.fail_first": ("FailFirst",),
    "harness.faults.fail_ratio": ("FailRatio",),
    "harness.faults.freeze": ("Freeze",),
    "harness.faults.http_delay": ("HttpDelay",),
    "harness.faults.http_hang": ("HttpHang",),
    "harness.faults.http_status": ("HttpStatus",),
    "harness.faults.junk_file": ("JunkFile",),
    "harness.faults.kill": ("Kill",),
    "harness.faults.latency": ("Latency",),
    "harness.faults.limit_data": ("LimitData",),
    "harness.faults.lose_data": ("LoseData",),
    "harness.faults.memory_squeeze": ("MemorySqueeze",),
    "harness.faults.noop": ("Noop",),
    "harness.faults.outage": ("Outage",),
    "harness.faults.partition": ("Partition",),
    "harness.faults.reset": ("Reset",),
    "harness.faults.restart": ("Restart",),
    "harness.faults.slicer": ("Slicer",),
    "harness.faults.slow_body": ("SlowBody",),
    "harness.faults.slow_close": ("SlowClose",),
    "harness.faults.sql": ("Sql",),
    "harness.faults.stop": ("Stop",),
    "harness.faults.wrong_content_type": ("WrongContentType",),
    "harness.model": ("Load", "Scenario", "Window", "during"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
