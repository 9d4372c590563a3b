"""Which kind of stack can do what to a service. What one cannot is refused by name, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping

from harness.errors import one_of
from harness.model import DiskFault, ServiceFault
from harness.stack.spec import StackSpec
from harness.world import POWERS

CAN: Mapping[str, frozenset[str]] = {
    "embedded": frozenset({"kill", "stop", "freeze", "restart", "cpu", "memory", "disk", "data", "deploy", "sql"}),
    "docker": frozenset(POWERS),
}
FOR_DRILLS = frozenset({"data", "deploy", "sql"})
"""What a scenario may not do, since nothing but a runbook puts it back."""


def why_not(fault: ServiceFault, spec: StackSpec, kind: str, *, is_root: bool | None = None) -> str | None:
    """Why this fault is not possible on that kind of stack, and what to do; None where it is."""
    if fault.service == spec.toxiproxy:
        return (
            f"{fault.service} carries every link, so that a fault on it would be one on all of them; "
            f"break a link instead: {', '.join(sorted(spec.links))}"
        )
    if fault.service not in spec.services:
        others = [name for name in spec.services if name != spec.toxiproxy]
        return one_of("service", fault.service, others, where=spec.path.name)
    if fault.needs not in POWERS:
        return one_of("power", fault.needs, POWERS)
    if fault.needs not in CAN[kind]:
        able = " or ".join(f"--stack {other}" for other in sorted(CAN) if fault.needs in CAN[other])
        listed = ", ".join(sorted(CAN[kind] if fault.needs in FOR_DRILLS else CAN[kind] - FOR_DRILLS))
        return f"{fault.needs} needs {able}; the {kind} stack can: {listed}"
    if isinstance(fault, DiskFault):
        return _why_no_disk(fault, spec, kind, os.geteuid() == 0 if is_root is None else is_root)
    return None


def _why_no_disk(fault: DiskFault, spec: StackSpec, kind: str, is_root: bool) -> str | None:
    service = spec.services[fault.service]
    if fault.path not in service.disks:
        bounded = ", ".join(sorted(service.disks)) or "none"
        return (
            f"{service.name} has no volume of bounded size at {fault.path} (bounded: {bounded}), and a full disk must "
            "hurt nobody else; give it one (docs/faults.md)"
        )
    if kind == "embedded" and (service.command or not service.is_postgres):
        return (
            f"disk needs --stack docker: on the embedded stack PostgreSQL has a disk of its own, {service.name} has not"
        )
    if not is_root:
        return "disk needs root: it fills a file system that only root can reach; run as root"
    return None
