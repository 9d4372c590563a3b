"""Finds, imports and validates the files of drills/, as harness/loader.py does those of scenarios/.

A drill is pure data too: it imports `harness` and nothing else, and defines `drill`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.drill.model import Drill
from harness.errors import ScenarioError, one_of
from harness.loader import check_variables, execute, question_of
from harness.loader import find as find_files
from harness.model import HttpFault, LinkFault, ServiceFault
from harness.plan import kind_of
from harness.runbook import reading
from harness.runbook.model import SECTIONS, Runbook, Step
from harness.stack.compose_taps import why_no_rule
from harness.stack.powers import why_not
from harness.stack.spec import StackSpec

FOLDER = Path("drills")
TAKEN = ("records",)
"""Names in reports/drills that are no drill's."""


@dataclass(frozen=True, slots=True)
class LoadedDrill:
    """A drill, where it came from, the first line of what it says of itself, and its runbook."""

    name: str
    path: Path
    drill: Drill
    question: str
    runbook: Runbook


def find(names: Sequence[str], folder: Path = FOLDER) -> list[Path]:
    """The files of drills, by their names or paths; all of `folder` where none is given. Raises ScenarioError."""
    return find_files([_path(name, folder) for name in names] or [folder], what="drill")


def _path(name: str, folder: Path) -> Path:
    given = Path(name)
    return given if given.suffix == ".py" or len(given.parts) > 1 or given.is_dir() else folder / f"{name}.py"


def load(path: Path) -> LoadedDrill:
    """The drill in a file, and its runbook. Raises ScenarioError, RunbookError."""
    names, tree = execute(path, "drill")
    drill = names.get("drill")
    if not isinstance(drill, Drill):
        what = "defines no drill" if drill is None else f"has a drill that is {drill!r}"
        raise ScenarioError(f"{path} {what}; write: drill = Drill(objective=..., load=..., disaster=(...), ...)")
    if path.stem in TAKEN:
        raise ScenarioError(f"{path}: no drill can be called {path.stem}, since its runs would lie there; rename it")
    runbook = reading.read(runbook_of(drill, path))
    decisions = {step.id: step.options for step in runbook.steps if step.options}
    for name, option in drill.answers.items():
        if name not in decisions:
            raise ScenarioError(f"{path}: {one_of('decision', name, decisions, where=str(runbook.path))}")
        if option not in decisions[name]:
            raise ScenarioError(f"{path}: {one_of('option', option, decisions[name], where=f'decision {name}')}")
    for step in reached(runbook, drill.answers):
        if step.options and step.id not in drill.answers:
            raise ScenarioError(
                f"{path}: decision {step.id} of {runbook.path} has no answer, and nobody is asked in a drill; "
                f"add it to answers, as {step.id}: one of {', '.join(step.options)}"
            )
    return LoadedDrill(path.stem, path, drill, question_of(tree, drill.objective), runbook)


def reached(runbook: Runbook, answers: Mapping[str, str]) -> list[Step]:
    """The steps that are executed by those answers where nothing fails, so none of the rollback."""
    found: list[Step] = []
    taken: dict[str, str] = {}
    for section in SECTIONS:
        for step in runbook.steps:
            is_asked = step.when is None or taken.get(step.when[0]) == step.when[1]
            if section != "rollback" and step.section == section and is_asked:
                found.append(step)
                if step.options and step.id in answers:
                    taken[step.id] = answers[step.id]
    return found


def runbook_of(drill: Drill, path: Path) -> Path:
    """The file of a drill's runbook: of the drill's project, else of this folder. Raises RunbookError."""
    project = path.resolve().parent.parent / reading.FOLDER
    return reading.find(drill.runbook, project if project.is_dir() else reading.FOLDER)


def check(loaded: LoadedDrill, spec: StackSpec, kind: str) -> None:
    """Raise ScenarioError for what that stack does not have, or cannot do."""
    for fault in loaded.drill.disaster:
        where = f"{loaded.path}: {kind_of(fault)}"
        if isinstance(fault, ServiceFault) and (reason := why_not(fault, spec, kind)):
            raise ScenarioError(f"{where}: {reason}")
        if isinstance(fault, LinkFault):
            if fault.link not in spec.links:
                raise ScenarioError(f"{where}: {one_of('link', fault.link, spec.links, where=spec.path.name)}")
            if isinstance(fault, HttpFault) and (reason := why_no_rule(spec.links[fault.link])):
                raise ScenarioError(f"{where}: {reason}")
    writes = loaded.drill.writes
    if writes is not None and writes.service not in spec.services:
        unknown = one_of("service", writes.service, spec.services, where=spec.path.name)
        raise ScenarioError(f"{loaded.path}: writes: {unknown}")
    check_variables(f"{loaded.path}: variables", loaded.drill.variables, spec)


def check_sabotage(loaded: LoadedDrill, step: str) -> None:
    """Raise ScenarioError where the runbook has no such step with a command, or the drill does not reach it."""
    commands = [one.id for one in loaded.runbook.steps if one.command]
    if step and step not in commands:
        raise ScenarioError(one_of("step", step, commands, where=str(loaded.runbook.path)))
    there = [one.id for one in reached(loaded.runbook, loaded.drill.answers) if one.command]
    if step and step not in there:
        raise ScenarioError(
            f"step {step} of {loaded.runbook.path} is not reached in drill {loaded.name}, by its answers and where "
            f"nothing fails, so nobody could notice; sabotage one of {', '.join(there)}"
        )
