"""A sweep from its command to its page: whose stack it is, what is broken, the run, the matrix."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from harness import store
from harness.durations import seconds
from harness.errors import LocustfileError, ScenarioError
from harness.interrupts import Interrupts
from harness.loader import find_locustfile, locustfiles_in
from harness.manifest import command_line
from harness.model import Load
from harness.openers import opener
from harness.runner import Opener
from harness.stack.spec import StackSpec
from harness.sweep.catalogue import LEAST_S, Trial, seconds_of, too_short, trials, within
from harness.sweep.record import LeftOut, SteadyLoad, Sweep, SweepFolder
from harness.sweep.run import Outcome, execute
from harness.terminal import nearest
from harness.watching import View

NAME = "sweep"


@dataclass(frozen=True, slots=True)
class Choice:
    """What loads a stack, what of it is swept, and how long that may take."""

    locustfile: Path
    load: SteadyLoad
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    budget_s: float = math.inf


def choice(locustfile: Path, rate_per_s: float, only: Sequence[str], skip: Sequence[str], budget: str) -> Choice:
    """As it is asked for, as far as that can be judged before the stack is known. Raises ScenarioError."""
    try:
        load = Load(nearest(locustfile), rate_per_s=rate_per_s)
    except ValueError as error:
        raise ScenarioError(f"--rate: {error}") from error
    try:
        budget_s = seconds(budget) if budget else math.inf
    except ValueError as error:
        raise ScenarioError(f"--budget: {error}") from error
    if budget_s < LEAST_S:
        raise ScenarioError(too_short(budget_s))
    return Choice(locustfile, SteadyLoad(load.locustfile, rate_per_s), tuple(only), tuple(skip), budget_s)


def locustfile_for(given: Path | None, folder: Path) -> Path:
    """The locustfile that is given, else the only one of the project. Raises LocustfileError."""
    if given is not None:
        return find_locustfile(Load(str(given)))
    found = locustfiles_in(folder)
    if len(found) == 1:
        return found[0].resolve()
    listed = ", ".join(str(path) for path in found) or "none is here"
    raise LocustfileError(f"say what loads the stack with --locustfile; there is: {listed}")


def choose(spec: StackSpec, choice: Choice) -> tuple[tuple[Trial, ...], tuple[LeftOut, ...]]:
    """(what is swept, what is left out and why). Raises ScenarioError."""
    links = {name: (link.client, link.service) for name, link in spec.links.items()}
    services = [name for name in spec.services if name != spec.toxiproxy]
    jobs = [name for name, one in spec.services.items() if one.is_job]
    chosen, left = trials(links, services, entry=spec.entry_service, jobs=jobs, only=choice.only, skip=choice.skip)
    chosen, over = within(chosen, choice.budget_s)
    return chosen, (*left, *over)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sweep that can begin: `folder` is made."""

    sweep: Sweep
    trials: tuple[Trial, ...]
    open_stack: Opener
    folder: SweepFolder
    choice: Choice

    @property
    def seconds(self) -> float:
        return seconds_of(self.trials)


def prepare(spec: StackSpec, kind: str, choice: Choice, reports: Path, say: Callable[[str], None]) -> Prepared:
    """All that is known before anything starts. Raises HarnessError, and makes no folder then."""
    chosen, left = choose(spec, choice)
    sweep = Sweep(
        name=spec.name,
        entry=f"{spec.entry_service}:{spec.entry_port}",
        load=choice.load,
        command=tuple(command_line()),
        stack=kind,
        cells=tuple(one.planned for one in chosen),
        dropped=left,
        seconds_planned=seconds_of(chosen),
    )
    open_stack = opener(spec, kind, say)
    return Prepared(sweep, chosen, open_stack, SweepFolder(store.create(reports, NAME).path), choice)


def run(
    prepared: Prepared, view_for: Callable[[float], AbstractContextManager[View]], interrupts: Interrupts
) -> Outcome:
    """Sweep. Raises HarnessError when the stack cannot start."""
    with view_for(prepared.seconds) as view:
        return execute(
            prepared.sweep,
            prepared.trials,
            prepared.folder,
            prepared.choice.locustfile,
            prepared.open_stack,
            view,
            interrupts,
            prepared.choice.budget_s,
        )
