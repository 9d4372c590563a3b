"""What a container is in its pristine state, read from the engine; and how far it is from that now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.stack.docker.engine import Engine
from harness.stack.state import ContainerState, Endpoint

NO_DNS = "# by resilience-harness: a DNS failure\nnameserver 192.0.2.53\noptions timeout:1 attempts:1\n"
"""An address that RFC 5737 keeps for documentation: nobody answers there."""
CPU_PERIOD_US = 100_000


def capture(engine: Engine, body: Mapping[str, Any]) -> ContainerState:
    """The state of a container from its `inspect` body."""
    return ContainerState(
        id=body["Id"],
        name=body["Name"].lstrip("/"),
        running=bool(body["State"]["Running"]),
        paused=bool(body["State"]["Paused"]),
        endpoints=endpoints(body),
        cpu_cores=cpu_cores(body),
        memory_bytes=memory_bytes(engine, body),
        resolv_conf=resolv_conf(body) or "",
    )


def endpoints(body: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    """Its places on networks that it can be taken off and put on again."""
    found = []
    for name, one in sorted((body["NetworkSettings"].get("Networks") or {}).items()):
        if name in ("host", "none"):
            continue
        fixed = one.get("IPAMConfig") or {}
        own = body["Id"][:12]
        aliases = tuple(sorted(alias for alias in one.get("Aliases") or () if alias != own))
        found.append(
            Endpoint(one["NetworkID"], name, aliases, fixed.get("IPv4Address", ""), fixed.get("IPv6Address", ""))
        )
    return tuple(found)


def cpu_cores(body: Mapping[str, Any]) -> float | None:
    """Its limit in cores, or None."""
    how = body["HostConfig"]
    if how.get("NanoCpus"):
        return float(how["NanoCpus"]) / 1e9
    quota, period = how.get("CpuQuota") or 0, how.get("CpuPeriod") or CPU_PERIOD_US
    return round(quota / period, 6) if quota > 0 else None


def cpu_limits(body: Mapping[str, Any], cores: float | None) -> dict[str, int]:
    """What to ask the engine for: in the way that the container was limited before, if it was."""
    if body["HostConfig"].get("NanoCpus"):
        return {"NanoCpus": round((cores or 0) * 1e9)}
    quota = -1 if cores is None else max(1000, round(cores * CPU_PERIOD_US))  # the kernel takes no less than 1 ms
    return {"CpuPeriod": CPU_PERIOD_US, "CpuQuota": quota}


def memory_bytes(engine: Engine, body: Mapping[str, Any]) -> int | None:
    """Its limit, or None; a limit of all that the machine has is none."""
    limit = int(body["HostConfig"].get("Memory") or 0)
    return None if limit <= 0 or limit >= engine.memory_bytes else limit


def memory_limits(engine: Engine, limit_bytes: int | None) -> dict[str, int]:
    """What to ask the engine for. It takes no word for "no limit" back, so that is all that the machine has."""
    limit = engine.memory_bytes if limit_bytes is None else limit_bytes
    return {"Memory": limit, "MemorySwap": -1 if limit_bytes is None else limit}


def resolv_conf(body: Mapping[str, Any]) -> str | None:
    """The text of its resolv.conf, which the engine keeps on this machine; None where that cannot be read."""
    try:
        return Path(body["ResolvConfPath"]).read_text(encoding="utf-8")
    except OSError:
        return None


def disks(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths in it where volumes and tmpfs are mounted: where a ballast may lie."""
    volumes = [one["Destination"] for one in body.get("Mounts") or () if one.get("Type") == "volume"]
    return (*volumes, *(body["HostConfig"].get("Tmpfs") or {}))


def differences(engine: Engine, pristine: ContainerState, body: Mapping[str, Any]) -> Iterator[str]:
    """What is out of place, in words."""
    state = body["State"]
    if pristine.running and not state["Running"] and not state.get("Restarting"):
        yield "it had ended"
    if state["Paused"] and not pristine.paused:
        yield "it was paused"
    now = {one.name for one in endpoints(body)}
    missing = [one.name for one in pristine.endpoints if one.name not in now]
    if missing:
        yield f"it was cut off from {', '.join(missing)}"
    if cpu_cores(body) != pristine.cpu_cores:
        yield f"its processor was limited to {_amount(cpu_cores(body), 'cores')}"
    if memory_bytes(engine, body) != pristine.memory_bytes:
        yield f"its memory was limited to {_amount(memory_bytes(engine, body), 'bytes')}"
    if resolv_conf(body) == NO_DNS:
        yield "its name server was a wrong one"


def _amount(value: float | None, unit: str) -> str:
    return "nothing" if value is None else f"{value:g} {unit}"
