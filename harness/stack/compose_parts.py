"""What is read of a Compose file piece by piece: each says which key of which file is wrong, and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import ComposeFileError, one_of


def mapping(path: Path, key: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ComposeFileError(f"{path}: {key} must be a mapping; given {value!r}")
    return {str(name): body for name, body in value.items()}


def known(path: Path, key: str, name: str, services: Mapping[str, object]) -> None:
    if name not in services:
        raise ComposeFileError(f"{path}: {key}: {one_of('service', name, services, where=path.name)}")


def port_of(path: Path, key: str, value: object) -> int:
    try:
        port = int(str(value))
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise ComposeFileError(f"{path}: {key} needs a port from 1 to 65535, as in api:8000; given {value!r}")
    return port


def scalar(value: object) -> str:
    """As Compose writes it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)
