"""Which volumes a Compose file gives to a service, and where they are for plain processes: a folder each, shared."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import StartError
from harness.stack.ballast import mounted
from harness.stack.compose_disks import size_bytes
from harness.stack.compose_variables import interpolate

DATA_FOLDER = "/var/lib/postgresql/data"
"""Where PostgreSQL's image keeps its data, if PGDATA says nothing else."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume by its name, or a folder of this machine by its whole path. `size_bytes` is None where it is as large as
    the disk that it is on."""

    source: str
    size_bytes: int | None = None

    @property
    def is_named(self) -> bool:
        return not self.source.startswith("/")


def volumes_of(
    path: Path, name: str, service: Mapping[str, Any], bounded: Mapping[str, int], variables: Mapping[str, str]
) -> dict[str, Volume]:
    """A service's volumes by the path that they have there. One that has no name is the service's own."""
    found = {}
    for one in service.get("volumes") or ():
        source, target, size = _parts(interpolate(one, variables) if isinstance(one, str) else one)
        if not target.startswith("/"):
            continue
        if source.startswith(("/", ".", "~")):
            found[target] = Volume(os.path.abspath(path.resolve().parent / Path(source).expanduser()))
        else:
            found[target] = Volume(source or f"{name}{target.replace('/', '-')}", bounded.get(source, size))
    return found


def _parts(one: object) -> tuple[str, str, int | None]:
    """(source, target, size in bytes) of one in either of Compose's notations."""
    if isinstance(one, dict):
        target = str(one.get("target") or "")
        return str(one.get("source") or ""), target, size_bytes((one.get("tmpfs") or {}).get("size", ""))
    source, _, rest = str(one).partition(":")
    return (source, rest.partition(":")[0], None) if rest else ("", source, None)


def data_folder(volumes: Mapping[str, Path], environment: Mapping[str, str]) -> Path | None:
    """Where PostgreSQL's data is on this machine; None where it is in no volume."""
    wanted = Path(environment.get("PGDATA") or DATA_FOLDER)
    for target, folder in volumes.items():
        if wanted.is_relative_to(target):
            return folder / wanted.relative_to(target)
    return None


def tmpfs_of(name: str, disks: Mapping[str, int], volumes: Mapping[str, Volume]) -> dict[str, Volume]:
    """A service's file systems of bounded size that are no volumes: its own, by the path that they have there."""
    return {at: Volume(f"{name}{at.replace('/', '-')}", size) for at, size in disks.items() if at not in volumes}


class Volumes:
    """The volumes of one stack, in its private folder. Each is made when it is asked for first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Path] = {}
        self._lock = threading.Lock()
        self.disks: set[Path] = set()
        """Those that are a file system of bounded size."""

    def of(self, volumes: Mapping[str, Volume]) -> dict[str, Path]:
        """Their folders. Raises StartError where one cannot be made."""
        with self._lock:
            return {target: self._of(volume) for target, volume in volumes.items()}

    def _of(self, volume: Volume) -> Path:
        if volume.source not in self._made:
            try:
                self._made[volume.source] = self._make(volume)
            except OSError as error:
                raise StartError(
                    f"{volume.source}, a volume of the Compose file, cannot be made: {error.strerror}"
                ) from error
        return self._made[volume.source]

    def _make(self, volume: Volume) -> Path:
        if not volume.is_named:
            place = Path(volume.source)
            if not place.exists():  # it may be a file
                place.mkdir(parents=True)
            return place
        if volume.size_bytes and (disk := mounted(self._folder, volume.source, volume.size_bytes)):
            self.disks.add(disk)
            return disk
        place = self._folder / "volumes" / volume.source
        place.parent.mkdir(mode=0o711, exist_ok=True)
        place.mkdir(mode=0o711)
        return place
