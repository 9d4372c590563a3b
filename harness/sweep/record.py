"""What a sweep leaves behind: `sweep.json`, what was planned, beside the folders of its runs. Pure data.

`reports/sweep/<utc>/` is to a sweep what a run folder is to a run: the runner writes sweep.json and the runs, and all
the rest (matrix, page, summary, scenarios) can be made again from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import RunFolderError
from harness.record import Scalar
from harness.store import read_json, write_json

SCHEMA = 1
LINK, SERVICE = "link", "service"


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One window of the sweep: `fault`, in the words of plan.kind_of, on the link or service `subject`.

    `window` is its name in the history of its run. `client` and `service` are a link's ends; a service's cell has
    itself as `service`.
    """

    window: str
    kind: str
    subject: str
    fault: str
    window_s: float
    client: str = ""
    service: str = ""
    parameters: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def column(self) -> str:
        """The fault with how much of it, as the matrix's columns are called: `latency 100 ms`, `outage`."""
        how_much = {name: value for name, value in self.parameters.items() if not isinstance(value, bool)}
        amounts = [_amount(name, value) for name, value in how_much.items() if value not in (0, "", None)]
        return " ".join([self.fault, *amounts])

    @property
    def delay_ms(self) -> float | None:
        """How much a fault that only delays does so; None for every other."""
        value = self.parameters.get("delay_ms")
        return float(value) if isinstance(value, int | float) and value > 0 else None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A cell that was not planned in, or not begun, by the budget or by the user, and why."""

    cell: PlannedCell
    reason: str


@dataclass(frozen=True, slots=True)
class SteadyLoad:
    """The load that ran all the while."""

    locustfile: str
    rate_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What `sweep.json` holds. `runs` are folders relative to the sweep's, in the order in which they were begun."""

    name: str
    entry: str
    load: SteadyLoad
    command: tuple[str, ...]
    stack: str
    cells: tuple[PlannedCell, ...]
    dropped: tuple[LeftOut, ...] = ()
    runs: tuple[str, ...] = ()
    seconds_planned: float = 0.0


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """`reports/sweep/<utc>/`, and the names of the files in it."""

    path: Path

    @property
    def sweep(self) -> Path:
        return self.path / "sweep.json"

    @property
    def matrix(self) -> Path:
        return self.path / "matrix.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def summary(self) -> Path:
        return self.path / "summary.md"

    @property
    def junit(self) -> Path:
        return self.path / "junit.xml"

    @property
    def charts(self) -> Path:
        return self.path / "charts"

    @property
    def scenarios(self) -> Path:
        return self.path / "scenarios"


def is_sweep(path: Path) -> bool:
    """Whether `path`, or the `latest` below it, is the folder of a sweep."""
    return any((one / "sweep.json").is_file() for one in (path, path / "latest"))


def find(path: Path) -> SweepFolder:
    """The sweep's folder at `path`, or the latest one below it (`reports/sweep`). Raises RunFolderError."""
    for one in (path, path / "latest"):
        if (one / "sweep.json").is_file():
            return SweepFolder(one.resolve())
    raise RunFolderError(f"{path} has no sweep.json, so it is no sweep; give one such as reports/sweep/latest")


def write(path: Path, sweep: Sweep) -> None:
    """Write `sweep.json` in one atomic step. Raises RunFolderError."""
    write_json(path, {"schema": SCHEMA, **asdict(sweep)})


def read(path: Path) -> Sweep:
    """The sweep that `sweep.json` holds. Raises RunFolderError when it is missing, damaged or from another version."""
    held = read_json(path)
    try:
        if held["schema"] != SCHEMA:
            raise RunFolderError(f"{path} has schema {held['schema']!r}; this harness reads {SCHEMA}; use its own")
        return Sweep(
            name=str(held["name"]),
            entry=str(held["entry"]),
            load=SteadyLoad(str(held["load"]["locustfile"]), float(held["load"]["rate_per_s"])),
            command=tuple(str(one) for one in held["command"]),
            stack=str(held["stack"]),
            cells=tuple(_cell(one) for one in held["cells"]),
            dropped=tuple(LeftOut(_cell(one["cell"]), str(one["reason"])) for one in held["dropped"]),
            runs=tuple(str(one) for one in held["runs"]),
            seconds_planned=float(held["seconds_planned"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{path} lacks {error}; it is damaged or from another version") from error


def _cell(held: Mapping[str, Any]) -> PlannedCell:
    cell = PlannedCell(**held)
    if cell.kind not in (LINK, SERVICE):
        raise ValueError(f"a cell of kind {LINK} or {SERVICE} (its kind is {cell.kind!r})")
    return cell


def _amount(name: str, value: Scalar) -> str:
    """`delay_ms 100` as people say it, `100 ms`; any other with its name."""
    words = name.split("_")
    number = f"{value:g}" if isinstance(value, int | float) else str(value)
    if words[-1] in ("ms", "s", "bytes") and len(words) == 2:
        return f"{number} {words[-1]}" if words[0] in ("delay", "after") else f"{words[0]} {number} {words[-1]}"
    return f"{' '.join(words)} {number}"
