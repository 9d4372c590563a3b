"""A sweep from its command to its page: whose stack it is, what is broken, the run, the matrix."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from harness import store
from harness.durations import seconds
from harness.errors import LocustfileError, ScenarioError
from harness.interrupts import Interrupts
from harness.loader import find_locustfile
from harness.manifest import command_line
from harness.model import Load
from harness.openers import opener
from harness.stack.compose_file import StackSpec
from harness.sweep.catalogue import Trial, seconds_of, trials, within
from harness.sweep.record import LeftOut, SteadyLoad, Sweep, SweepFolder
from harness.sweep.run import Outcome, execute
from harness.terminal import nearest
from harness.watching import View

NAME = "sweep"


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a stack is swept, and how hard it is loaded."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    budget: str = ""
    rate_per_s: float = 20.0


def locustfile_for(given: Path | None, folder: Path) -> Path:
    """The locustfile that is given, else the only one of the project. Raises LocustfileError."""
    if given is not None:
        return find_locustfile(Load(str(given)))
    there = [folder / "locustfile.py", *sorted((folder / "locustfiles").glob("*.py"))]
    found = [path for path in there if path.is_file() and not path.name.startswith("_")]
    if len(found) == 1:
        return found[0].resolve()
    listed = ", ".join(str(path) for path in found) or "none is here"
    raise LocustfileError(f"say what loads the stack with --locustfile; there is: {listed}")


def choose(spec: StackSpec, choice: Choice) -> tuple[tuple[Trial, ...], tuple[LeftOut, ...]]:
    """(what is swept, what is left out and why). Raises ScenarioError."""
    links = {name: (link.client, link.service) for name, link in spec.links.items()}
    services = [name for name in spec.services if name != spec.toxiproxy]
    chosen, left = trials(links, services, entry=spec.entry_service, only=choice.only, skip=choice.skip)
    if choice.budget:
        try:
            budget_s = seconds(choice.budget)
        except ValueError as error:
            raise ScenarioError(f"--budget: {error}") from error
        chosen, over = within(chosen, budget_s)
        left = (*left, *over)
    return chosen, left


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sweep that can begin: `folder` is made, `spec` is what is swept."""

    sweep: Sweep
    trials: tuple[Trial, ...]
    spec: StackSpec
    kind: str
    folder: SweepFolder
    locustfile: Path

    @property
    def seconds(self) -> float:
        return seconds_of(self.trials)


def new_folder(reports: Path) -> SweepFolder:
    """`reports/sweep/<utc>/`. Raises RunFolderError."""
    return SweepFolder(store.create(reports, NAME).path)


def prepare(
    spec: StackSpec, kind: str, choice: Choice, locustfile: Path, folder: Callable[[], SweepFolder]
) -> Prepared:
    """All that is known before anything starts. Raises ScenarioError, and makes no folder then."""
    try:
        load = Load(nearest(locustfile), rate_per_s=choice.rate_per_s)
    except ValueError as error:
        raise ScenarioError(f"--rate: {error}") from error
    chosen, left = choose(spec, choice)
    sweep = Sweep(
        name=spec.name,
        entry=f"{spec.entry_service}:{spec.entry_port}",
        load=SteadyLoad(load.locustfile, choice.rate_per_s),
        command=tuple(command_line()),
        stack=kind,
        cells=tuple(one.planned for one in chosen),
        dropped=left,
        seconds_planned=seconds_of(chosen),
    )
    return Prepared(sweep, chosen, spec, kind, folder(), locustfile)


def run(
    prepared: Prepared, view_for: Callable[[float], AbstractContextManager[View]], interrupts: Interrupts
) -> Outcome:
    """Sweep. Raises HarnessError when the stack cannot start."""
    with view_for(prepared.seconds) as view:
        return execute(
            prepared.sweep,
            prepared.trials,
            prepared.folder,
            prepared.locustfile,
            opener(prepared.spec, prepared.kind, view.say),
            view,
            interrupts,
        )
