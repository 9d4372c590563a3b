"""What a container is in its pristine state, read from the engine; and how far it is from that now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.stack.docker.engine import Engine
from harness.stack.docker.resolv_conf import read_resolv_conf
from harness.stack.state import ContainerState, Endpoint

CPU_PERIOD_US = 100_000
NO_LIMIT_BYTES = 2**50


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
        memory_swap_bytes=memory_swap_bytes(engine, body),
        resolv_conf=read_resolv_conf(engine, body) or "",
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
            Endpoint(
                one["NetworkID"],
                name,
                aliases,
                fixed.get("IPv4Address", ""),
                fixed.get("IPv6Address", ""),
                tuple(sorted(one.get("Links") or ())),
            )
        )
    return tuple(found)


def missing_endpoints(pristine: ContainerState, body: Mapping[str, Any]) -> list[Endpoint]:
    """The places where it should be and is not, or where it does not bear its names and its fixed addresses."""
    there = {one.name: one for one in endpoints(body)}

    def is_there(one: Endpoint) -> bool:
        now = there.get(one.name)
        if now is None or (one.ipv4, one.ipv6) != (now.ipv4, now.ipv6):
            return False
        return {*one.aliases} <= {*now.aliases} and {*one.links} <= {*now.links}

    return [one for one in pristine.endpoints if not is_there(one)]


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


def memory_swap_bytes(engine: Engine, body: Mapping[str, Any]) -> int | None:
    """What memory and swap may be together, or None; as much again as its memory is what Docker gives by itself."""
    limit, memory = int(body["HostConfig"].get("MemorySwap") or 0), memory_bytes(engine, body)
    if memory is None or limit < 0 or limit >= NO_LIMIT_BYTES:
        return None
    return limit or 2 * memory


def memory_limits(engine: Engine, limit_bytes: int | None, swap_bytes: int | None) -> dict[str, int]:
    """What to ask the engine for. It takes no word for "no limit" back, so that is all that the machine has, and more.

    `swap_bytes` is memory and swap together, as Docker counts it. Engine 20.10 drops a -1 on its way to the kernel,
    which then refuses more memory than memory and swap together.
    """
    return {
        "Memory": engine.memory_bytes if limit_bytes is None else limit_bytes,
        "MemorySwap": NO_LIMIT_BYTES if swap_bytes is None else swap_bytes,
    }


def disks(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths in it where volumes and tmpfs are mounted: where a ballast may lie."""
    mounts = [one["Destination"] for one in body.get("Mounts") or () if one.get("Type") in ("volume", "tmpfs")]
    return (*mounts, *(body["HostConfig"].get("Tmpfs") or {}))


def disk_folder(engine: Engine, body: Mapping[str, Any], path: str) -> Path | None:
    """Where a volume or a tmpfs of a container is on this machine; None where it has none there, or cannot be seen."""
    for one in body.get("Mounts") or ():
        if one.get("Type") == "volume" and one["Destination"] == path:
            return Path(one["Source"])
    process = engine.process_of(body, path) if path in disks(body) else None
    return below(Path(f"/proc/{process.pid}/root"), path) if process is not None else None


def below(root: Path, path: str) -> Path | None:
    """A path of a container's as it is seen from here; None where a symbolic link is on the way.

    An absolute one (`/var/run` to `/run`, in many images) would be followed to this machine's own folder.
    """
    found = root
    for part in Path(path).parts[1:]:
        found /= part
        if found.is_symlink():
            return None
    return found


def differences(engine: Engine, pristine: ContainerState, body: Mapping[str, Any]) -> Iterator[str]:
    """What is out of place, in words."""
    state = body["State"]
    if pristine.running and (not state["Running"] or state.get("Restarting")):
        yield "it had ended"
    if state["Running"] and state["Paused"] is not pristine.paused:
        yield "it was paused" if state["Paused"] else "it was not paused any more"
    if missing := missing_endpoints(pristine, body):
        yield f"it was cut off from {', '.join(one.name for one in missing)}"
    if cpu_cores(body) != pristine.cpu_cores:
        yield f"its processor was limited to {_amount(cpu_cores(body), 'cores')}"
    if memory_bytes(engine, body) != pristine.memory_bytes:
        limit = memory_bytes(engine, body)
        yield f"its memory was limited to {_amount(limit and limit / 1e6, 'MB')}"
    if state["Running"] and pristine.resolv_conf and read_resolv_conf(engine, body) not in (pristine.resolv_conf, None):
        yield "its name server was a wrong one"


def _amount(value: float | None, unit: str) -> str:
    return "nothing" if value is None else f"{value:g} {unit}"
