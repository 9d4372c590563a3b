"""A stack as its description says it: services, links, where the load goes. Pure data, whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import ComposeFileError
from harness.stack.compose_mounts import Mount
from harness.stack.compose_volumes import Volume


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service of the Compose file. `command` and `port` are empty where it has no plain process.

    `disks` are its file systems of bounded size (compose_disks.py): where it has them, and how many bytes they hold.
    `is_job`: others wait until it is done. `mounts` is what a plain process finds as files and folders
    (compose_mounts.py), `volumes` what it shares with others (compose_volumes.py). `without`: its command may be
    missing, and others get this in their environments then.
    """

    name: str
    image: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    port: int = 0
    port_variable: str = ""
    ready: str = ""
    disks: Mapping[str, int] = field(default_factory=dict)
    is_job: bool = False
    mounts: Mapping[str, Mount] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    without: Mapping[str, Mapping[str, str]] | None = None

    @property
    def is_postgres(self) -> bool:
        """Its image is PostgreSQL, so that the embedded stack knows how to run it."""
        return self.image.rsplit("/", 1)[-1].split(":")[0] in ("postgres", "postgresql")


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """A link: the client meets it at Toxiproxy's port `listen` (0 where networks lead it there), and it leads to the
    service's port `upstream`. `tap`: a tap stands there instead, and leads to Toxiproxy; `tap_asked`: because the
    project says so, and not by itself."""

    name: str
    client: str
    service: str
    listen: int
    upstream: int
    tap: bool = False
    tap_asked: bool = False


@dataclass(frozen=True, slots=True)
class StackSpec:
    """The whole stack. `entry_service` and `entry_port` are where the load goes.

    `variables` are those that the services' environments refer to (`${WEAKNESS:-}`), with the values that they have,
    those of secrets kept out.
    `files` are the project's own; `mode` is soft or strict where Toxiproxy is put between the services by networks, ""
    where the project has a Toxiproxy of its own; `ports` are then all that services are known to listen on.
    `take_over`: the user's own running copy may be stopped for the time.
    `alerts` is the variable that tells the stack where to post its alerts; the harness gives it, where it is not set.
    `is_asked`: what services say of themselves is to be read, for which the stack needs an outpost.
    `given` are all the variables that the files were read with, for Compose; None: those of our environment.
    """

    path: Path
    name: str
    services: Mapping[str, ServiceSpec]
    links: Mapping[str, LinkSpec]
    toxiproxy: str
    entry_service: str
    entry_port: int
    variables: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    mode: str = ""
    ports: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    take_over: bool = False
    alerts: str = ""
    is_asked: bool = False
    given: Mapping[str, str] | None = None

    @property
    def has_outpost(self) -> bool:
        """Whether the harness has ears in it."""
        return bool(self.is_asked or self.alerts or self.tapped)

    @property
    def tapped(self) -> tuple[LinkSpec, ...]:
        """The links that have a tap."""
        return tuple(link for link in self.links.values() if link.tap)

    @property
    def without_taps(self) -> StackSpec:
        """The same, with no tap on any link."""
        links = {name: replace(link, tap=False, tap_asked=False) for name, link in self.links.items()}
        return replace(self, links=links)

    def start_order(self) -> list[ServiceSpec]:
        """Services after those that they depend on. Raises ComposeFileError on a circle."""
        order: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise ComposeFileError(f"{self.path}: depends_on goes in a circle: {' -> '.join([*path, name])}")
            if name not in order:
                for needed in self.services[name].depends_on:
                    visit(needed, (*path, name))
                order.append(name)

        for name in sorted(self.services):
            visit(name, ())
        return [self.services[name] for name in order]
