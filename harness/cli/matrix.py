"""The verb that proves that checks can fail: matrix."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import Json, Reports, StackKind, app, err, out, spec_of
from harness.errors import HarnessError, ScenarioError, StartError
from harness.weaknesses.spec import FILE

if TYPE_CHECKING:
    from rich.console import Console

    from harness.job import Result
    from harness.loader import Loaded
    from harness.stack.spec import StackSpec
    from harness.weaknesses.plan import Trial
    from harness.weaknesses.spec import Spec

NAME = "matrix"


@app.command()
def matrix(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[WEAKNESS]...", help="Only these.", show_default="all")
    ] = None,
    calm: Annotated[
        int | None, typer.Option(min=0, help="Runs without a weakness.", show_default="as the file says; 0 with names")
    ] = None,
    file: Annotated[Path, typer.Option(help="What should be caught by what.")] = Path(FILE),
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is known already.")] = False,
    out_: Annotated[Path, typer.Option("--out", help="Where the page and its picture go.")] = Path("docs"),
    stack: StackKind = "",
    reports: Reports = Path("reports"),
    as_json: Json = False,
) -> None:
    """Switch on each weakness of a target, and see whether the checks that should see it do. Goes on where it was
    ended. Example: harness matrix no-retry"""
    from harness.interrupts import Interrupts
    from harness.terminal import nearest
    from harness.weaknesses import record as records
    from harness.weaknesses import spec as specs
    from harness.weaknesses.plan import trials
    from harness.weaknesses.run import execute
    from harness.weaknesses.table import bound_in_words, headline, table

    console = err if as_json else out
    spec = specs.read(file)
    target, kind = spec_of(None, stack)
    loaded = _load(spec, target, kind)
    scenarios = {name: one.scenario for name, one in loaded.items()}
    chosen = trials(spec, scenarios, only=names or (), calm=calm)
    whole = trials(spec, scenarios, calm=None if names else calm)
    _refuse_what_is_there(target, (name for one in chosen for name in (*one.variables, spec.variable)))
    digests = _Digests(spec, loaded, target, kind)
    path = reports / NAME / f"{kind}.json"

    def attempt(trial: Trial) -> Result:
        return _run(loaded[trial.scenario], trial, stack, reports / NAME, console)

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    with Interrupts() as interrupts:
        try:
            kept = execute(chosen, scenarios, path, digests.of, attempt, say, interrupts, fresh=fresh)
        except HarnessError:
            is_kept = records.read(path) if path.is_file() else {}
            there = sum(one.key in is_kept and is_kept[one.key].digest == digests.of(one) for one in chosen)
            again = " (without --fresh)" if fresh else ""
            say(f"{there} of {len(chosen)} runs are done; the same command{again} goes on from there")
            raise
    now = {one.key: digests.of(one) for one in (*chosen, *whole)}
    shown = table(chosen, kept, now, variable=spec.variable, stack=kind)
    say(f"{headline(shown)}. {bound_in_words(shown)}".rstrip())
    page = table(whole, kept, now, variable=spec.variable, stack=kind)
    if page.is_whole:
        from harness.report import weaknesses as report

        questions = {name: one.question for name, one in loaded.items()}
        say(f"report: {nearest(report.build(page, out_, questions, spec.left_out).resolve())}")
    else:
        say(f"{out_ / 'matrix.md'} is written when all {len(whole)} runs are there: harness matrix")
    if as_json:
        print(json.dumps(shown.to_json(), indent=2, ensure_ascii=False))
    raise typer.Exit(shown.exit_code)


def _load(spec: Spec, target: StackSpec, kind: str) -> dict[str, Loaded]:
    """Each scenario of the file, by name, as far as it fits the stack. Raises HarnessError."""
    from harness import loader

    loaded = {name: loader.load(spec.scenario(name)) for name in spec.scenarios}
    for one in loaded.values():
        loader.check_links(one, target.links, target.path.name)
        loader.check_services(one, target, kind)
        loader.find_locustfile(one.scenario.load, one.path)
    loader.check_variables(f"{spec.path}: variable", [spec.variable], target)
    for weakness in spec.weaknesses:
        loader.check_variables(f"{spec.path}: weaknesses.{weakness.name}.variables", weakness.variables, target)
    return loaded


def _refuse_what_is_there(target: StackSpec, variables: Iterable[str]) -> None:
    """Raise StartError where a stack is kept, which no weakness would reach, and ScenarioError where the environment
    has one of these variables, which would be in every run."""
    from harness.openers import kept

    if kept(target) is not None:
        raise StartError("a stack is kept here, and each run needs its own; take it down first: harness stack down")
    for name in sorted({*variables} & {*os.environ}):
        raise ScenarioError(f"{name} is set here, and the matrix sets it for each run; take it away: unset {name}")


class _Digests:
    """What each result hangs on: the scenario and its load, the harness, the target and what it is told."""

    def __init__(self, spec: Spec, loaded: dict[str, Loaded], target: StackSpec, kind: str) -> None:
        from harness.stack.left_out import as_found

        there = as_found(target, lambda _: None) if kind == "embedded" else target  # not all that is there runs here
        self._spec, self._loaded, self._target = spec, loaded, target
        self._stack = f"{kind} {' '.join(there.services)}"

    def of(self, trial: Trial) -> str:
        from harness.loader import find_locustfile
        from harness.weaknesses.digest import digest, of_the_harness

        one, root = self._loaded[trial.scenario], self._spec.path.absolute().parent
        paths = [one.path, find_locustfile(one.scenario.load, one.path), self._target.path]
        paths += [root / name for name in self._spec.code]
        told = {**self._target.variables, **one.scenario.variables, **trial.variables}
        told |= {name: os.environ[name] for name in told if name in os.environ}
        words = [of_the_harness(), self._stack, str(trial.seed), *(f"{name}={told[name]}" for name in sorted(told))]
        return digest(root, (path.absolute() for path in paths), words)


def _run(loaded: Loaded, trial: Trial, stack: str, reports: Path, console: Console) -> Result:
    """One run, as `harness run` makes it; its report says that verb, which repeats it. Raises HarnessError."""
    from harness.job import do
    from harness.loader import find_locustfile
    from harness.openers import opener
    from harness.plan import plan
    from harness.terminal import nearest, view_for
    from harness.witnesses import reads_of

    scenario = replace(loaded.scenario, seed=trial.seed)
    planned = plan(loaded.name, scenario)
    command = ["harness", "run", nearest(loaded.path.absolute())]
    command += [] if trial.seed == loaded.scenario.seed else ["--seed", str(trial.seed)]
    command += ["--stack", stack] if stack else []
    with view_for(console, trial.name, scenario.end_s) as view:
        target, kind = spec_of(None, stack, False, {**scenario.variables, **trial.variables})
        target = replace(target, is_asked=bool(reads_of(scenario.checks)))
        open_stack = opener(target, kind, view.say)
        locustfile = find_locustfile(scenario.load, loaded.path)
        return do(planned, locustfile, open_stack, reports=reports, command=command, view=view)
