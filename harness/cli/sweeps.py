"""The verb that breaks all of a stack in turn: sweep."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import (
    OVERRIDE,
    Json,
    Reports,
    StackKind,
    TakeOver,
    app,
    compose_files,
    err,
    known_kind,
    out,
    spec_of,
)
from harness.cli.strangers import ComposeArguments, EntryOption, Strict, Watch, discover, refuse_idle, say_to, write
from harness.errors import HarnessError, HealIncomplete, Interrupted, ScenarioError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.ending import Ending
    from harness.sweep.cells import Matrix
    from harness.sweep.record import SweepFolder


@app.command()
def sweep(
    files: ComposeArguments = None,
    locustfile: Annotated[Path | None, typer.Option(help="What loads the stack.", show_default="the one here")] = None,
    entry: EntryOption = "",
    only: Annotated[list[str] | None, typer.Option(help="Only these links, services, faults (web-*, outage).")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="All but these.")] = None,
    budget: Annotated[str, typer.Option(help="At most so long, such as 10m; the least telling is left out.")] = "",
    rate: Annotated[float, typer.Option(help="Requests a second, all the while.")] = 20.0,
    watch: Watch = "",
    strict: Strict = False,
    stack: StackKind = "",
    take_over: TakeOver = False,
    fail_on: Annotated[str, typer.Option(help="Exit 1 on down, not-back, degraded or slower, and worse.")] = "",
    reports: Reports = Path("reports"),
    as_json: Json = False,
) -> None:
    """Break every link and every service of a stack in turn: a matrix of what users felt. Example: harness sweep
    docker-compose.yml --locustfile locustfile.py --entry web:8080"""
    from harness.interrupts import Interrupts
    from harness.light_load import light_load
    from harness.store import write_text
    from harness.sweep.cells import exit_code
    from harness.sweep.cells import fail_on as harm_of
    from harness.sweeping import choice, locustfile_for, prepare, run
    from harness.terminal import view_for

    console = err if as_json else out
    say = say_to(console)
    try:
        at_least = harm_of(fail_on) if fail_on else None
    except ValueError as error:
        raise ScenarioError(str(error)) from error
    paths = compose_files(files)
    found = locustfile_for(locustfile, paths[0].parent)
    chosen = choice(found, rate, only or (), skip or (), budget)
    known_kind(stack)
    is_adopted = refuse_idle(paths, {"--entry": entry, "--watch": watch, "--strict": strict})
    with tempfile.TemporaryDirectory(prefix="harness-sweep-") as apart:
        override = Path(apart) / OVERRIDE
        if not is_adopted:
            write(discover(paths, entry, light_load(found, say), watch, take_over, say), strict, override)
            paths = [*paths, override]
        spec, kind = spec_of(paths, stack, take_over)
        prepared = prepare(spec, kind, chosen, reports, say)
        if not is_adopted:
            write_text(prepared.folder.path / OVERRIDE, override.read_text(encoding="utf-8"))
    count = len(prepared.trials)
    say(f"{count} cell{'' if count == 1 else 's'}, {prepared.seconds / 60:.0f} min at {rate:g} requests/s, on {kind}")
    for one in prepared.sweep.dropped:
        console.print(f"left out: {one.cell.window} ({one.reason})", style="dim", markup=False, soft_wrap=True)
    matrix: Matrix | None = None
    with Interrupts() as interrupts:
        try:
            outcome = run(prepared, lambda end_s: view_for(console, "sweep", end_s), interrupts)
            trouble, baseline_bad = _trouble(outcome.ending), outcome.baseline_bad
        except HarnessError as error:
            trouble, baseline_bad = error, False
        try:
            matrix = _show(prepared.folder, console, as_json)
        except HarnessError as error:
            trouble = trouble or error  # what came first is told
    if trouble is not None:
        raise trouble
    if baseline_bad:
        say("nothing was swept: the stack fails before anything is broken")
        raise typer.Exit(3)
    raise typer.Exit(exit_code(matrix, at_least) if matrix else 4)


def _trouble(ending: Ending) -> HarnessError | None:
    """What a sweep must end with, beside its matrix."""
    if ending.still_broken:
        listed = "".join(f"\n    {sentence}" for sentence in ending.still_broken)
        return HealIncomplete(f"healing is incomplete; try `harness heal`, and look at the stack:{listed}")
    return Interrupted(ending.signal) if ending.signal is not None else None


def _show(folder: SweepFolder, console: Console, as_json: bool) -> Matrix | None:
    """Build the page, and print what it tells; None where no run of the sweep has begun. Raises HarnessError."""
    from harness.report import sweep as page
    from harness.sweep.fact_words import line
    from harness.sweep.sentences import sentences
    from harness.terminal import nearest

    if not any(folder.path.glob("runs/*/manifest.json")):
        return None
    matrix, say = page.build(folder.path), say_to(console)
    for sentence in sentences(matrix):
        say(sentence.text)
    for facts in matrix.facts:
        say(line(facts, matrix.sweep.cells))
    say(f"report: {nearest(folder.report)}")
    if as_json:
        print(folder.matrix.read_text(encoding="utf-8"), end="")
    return matrix
