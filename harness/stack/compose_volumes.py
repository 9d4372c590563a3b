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
KEPT_FOLDERS = (
    *("/var/lib/", "/data", "/bitnami/", "/usr/share/elasticsearch/data", "/var/opt/", "/home/node/.n8n"),
    *("/backup", "/var/backups", "/archive", "/dump"),
)
"""Where images keep what must not be lost, and jobs the backups of it."""
BACKUPS = "BACKUPS"
"""The variable by which a project is told where its backups go, and with it that it may write there."""


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
    """A service's volumes by the path that they have there. One that has no name is the service's own, and so is what
    stands for a folder of the user's that must not be written to."""
    found = {}
    for one in service.get("volumes") or ():
        source, target, size, read_only = _parts(interpolate(one, variables) if isinstance(one, str) else one)
        if not target.startswith("/"):
            continue
        if source.startswith(("/", ".", "~")):
            place = os.path.abspath(path.resolve().parent / Path(source).expanduser())
            is_kept = is_kept_from_copies(place, target, read_only, variables)
            found[target] = Volume(f"{name}{target.replace('/', '-')}" if is_kept else place)
        else:
            found[target] = Volume(source or f"{name}{target.replace('/', '-')}", bounded.get(source, size))
    return found


def is_kept_from_copies(source: str, target: str, read_only: bool, variables: Mapping[str, str]) -> bool:
    """Whether a folder of the user's, at that path in a service, holds data: a copy has an empty volume there instead.

    A second database on the folder of the first would ruin it, a test that kills one may, and a second job of backups
    takes away what the first has made. Code that is mounted, what is read only, and what $BACKUPS names stay.
    """
    return not read_only and target.startswith(KEPT_FOLDERS) and source != variables.get(BACKUPS)


def _parts(one: object) -> tuple[str, str, int | None, bool]:
    """(source, target, size in bytes, whether it is read only) of one in either of Compose's notations."""
    if isinstance(one, dict):
        target, size = str(one.get("target") or ""), (one.get("tmpfs") or {}).get("size", "")
        return str(one.get("source") or ""), target, size_bytes(size), bool(one.get("read_only"))
    source, _, rest = str(one).partition(":")
    target, _, how = rest.partition(":")
    return (source, target, None, "ro" in how.split(",")) if rest else ("", source, None, False)


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
