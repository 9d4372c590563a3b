"""Which file systems of bounded size a Compose file gives to a service: those that can be full and hurt nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SIZE = re.compile(r"(\d+)([kmg]?)b?", re.IGNORECASE)
_SIZE_OPTION = re.compile(r"(?:^|,)size=([^,]*)")


def size_bytes(text: object) -> int | None:
    """`512m` in bytes; None for what is no size (a share of memory is none: it depends on the machine)."""
    match = _SIZE.fullmatch(str(text).strip())
    return int(match[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[match[2].lower()] if match else None


def bounded_volumes(volumes: Mapping[str, Any]) -> dict[str, int]:
    """The named volumes that are a tmpfs with a size, in bytes."""
    found = {}
    for name, body in volumes.items():
        options = (body or {}).get("driver_opts") or {}
        size = _size_option(str(options.get("o", "")))
        if options.get("type") == "tmpfs" and size is not None:
            found[name] = size
    return found


def disks_of(service: Mapping[str, Any], bounded: Mapping[str, int]) -> dict[str, int]:
    """The bounded file systems that a service may write to: where it has them, and how many bytes each holds."""
    return {path: size for path, size in _disks(service, bounded) if size is not None}


def _disks(service: Mapping[str, Any], bounded: Mapping[str, int]) -> Iterator[tuple[str, int | None]]:
    for one in service.get("volumes") or ():
        if isinstance(one, str):
            source, _, rest = one.partition(":")
            path, _, mode = rest.partition(":")
            if "ro" not in mode.split(","):
                yield path, bounded.get(source)
        elif isinstance(one, dict) and not one.get("read_only"):
            size = size_bytes((one.get("tmpfs") or {}).get("size", "")) if one.get("type") == "tmpfs" else None
            yield str(one.get("target", "")), bounded.get(str(one.get("source", ""))) if size is None else size
    given = service.get("tmpfs") or ()
    for one in [given] if isinstance(given, str) else given:
        path, _, options = str(one).partition(":")
        yield path, _size_option(options)


def _size_option(options: str) -> int | None:
    match = _SIZE_OPTION.search(options)
    return size_bytes(match[1]) if match else None
