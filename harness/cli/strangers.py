"""Verbs for any Compose project: adopt, sweep."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import OVERRIDE, Json, Reports, StackKind, TakeOver, app, compose_files, err, out, spec_of
from harness.errors import HarnessError, HealIncomplete, Interrupted, ScenarioError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.stack.docker.discover import Discovery, WhileWatched

ComposeArguments = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[COMPOSE FILES]", help="As Compose takes them.", show_default="the one here"),
]
EntryOption = Annotated[
    str, typer.Option("--entry", metavar="SERVICE:PORT", help="Where the load goes.", show_default="what is published")
]
Watch = Annotated[str, typer.Option(help="How long the stack is watched under a little load; 0s: read files only.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Only what is found can connect: nothing can go round Toxiproxy.")
]


@app.command()
def adopt(
    files: ComposeArguments = None,
    output: Annotated[Path | None, typer.Option("-o", help="Where the override goes.", show_default=OVERRIDE)] = None,
    entry: EntryOption = "",
    locustfile: Annotated[Path | None, typer.Option(help="What loads the stack while it is watched.")] = None,
    watch: Watch = "6s",
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Find the links of a Compose project, and write an override that puts Toxiproxy on each. Example: harness adopt
    docker-compose.yml --locustfile locustfile.py"""
    from harness.adopt.words import lines
    from harness.light_load import light_load
    from harness.loader import find_locustfile
    from harness.model import Load

    paths = [path for path in compose_files(files) if files or path.name != OVERRIDE]
    console = err if as_json else out
    driver = find_locustfile(Load(str(locustfile))) if locustfile else None
    say = _say(console)
    found = _discover(paths, entry, light_load(driver, say), watch, say)
    path = output or paths[0].parent / OVERRIDE
    _write(found, strict, path)
    console.print(f"entry: {found.entry}  ({found.entry.reason})", markup=False)
    for line in lines(found.found):
        console.print(line, markup=False, soft_wrap=True)
    given = " ".join(f"-f {one}" for one in [*paths, path])
    console.print(f"\nwritten: {path}; correct its x-harness where it is wrong", markup=False, soft_wrap=True)
    console.print(f"next: harness sweep, or harness run {given} scenarios/", markup=False, soft_wrap=True)
    if as_json:
        body = {
            "entry": str(found.entry),
            "links": [asdict(edge) for edge in found.found.edges],
            "left_out": [asdict(one) for one in found.found.left_out],
            "override": str(path),
        }
        print(json.dumps(body, indent=2))


@app.command()
def sweep(
    files: ComposeArguments = None,
    locustfile: Annotated[Path | None, typer.Option(help="What loads the stack.", show_default="the one here")] = None,
    entry: EntryOption = "",
    only: Annotated[list[str] | None, typer.Option(help="Only these links, services, faults (web-*, outage).")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="All but these.")] = None,
    budget: Annotated[str, typer.Option(help="At most so long, such as 10m; the least telling is left out.")] = "",
    rate: Annotated[float, typer.Option(help="Requests a second, all the while.")] = 20.0,
    watch: Watch = "6s",
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
    from harness.report import sweep as page
    from harness.stack.docker.spec import extension_of
    from harness.sweep.cells import exit_code
    from harness.sweep.cells import fail_on as harm_of
    from harness.sweep.sentences import sentences
    from harness.sweeping import Choice, locustfile_for, new_folder, prepare, run
    from harness.terminal import nearest, view_for

    console = err if as_json else out
    try:
        at_least = harm_of(fail_on) if fail_on else None
    except ValueError as error:
        raise ScenarioError(str(error)) from error
    paths = compose_files(files)
    found = locustfile_for(locustfile, paths[0].parent)
    folder = None
    if not any(extension_of(path) for path in paths):
        discovery = _discover(paths, entry, light_load(found, _say(console)), watch, _say(console))
        folder = new_folder(reports)
        paths = [*paths, folder.path / OVERRIDE]
        _write(discovery, strict, paths[-1])
    spec, kind = spec_of(paths, stack, take_over)
    choice = Choice(tuple(only or ()), tuple(skip or ()), budget, rate)
    prepared = prepare(spec, kind, choice, found, lambda: folder or new_folder(reports))
    count = len(prepared.trials)
    console.print(f"{count} cells, {prepared.seconds / 60:.0f} min at {rate:g} requests/s, on {kind}", markup=False)
    for one in prepared.sweep.dropped:
        console.print(f"left out: {one.cell.window} ({one.reason})", style="dim", markup=False, soft_wrap=True)
    with Interrupts() as interrupts:
        outcome = run(prepared, lambda end_s: view_for(console, "sweep", end_s), interrupts)
    if outcome.ending.still_broken:
        listed = "".join(f"\n    {sentence}" for sentence in outcome.ending.still_broken)
        raise HealIncomplete(f"healing is incomplete; try `harness heal`, and look at the stack:{listed}")
    if outcome.baseline_bad:
        console.print("nothing was swept: the stack fails before anything is broken", markup=False)
        raise typer.Exit(3)
    matrix = page.build(prepared.folder.path)
    for sentence in sentences(matrix):
        console.print(sentence.text, markup=False, soft_wrap=True)
    console.print(f"report: {nearest(prepared.folder.report)}", soft_wrap=True)
    if as_json:
        print(prepared.folder.matrix.read_text(encoding="utf-8"), end="")
    if outcome.ending.signal is not None:
        raise Interrupted(outcome.ending.signal)
    raise typer.Exit(exit_code(matrix, at_least))


@app.command()
def init(files: ComposeArguments = None, entry: EntryOption = "", watch: Watch = "6s") -> None:
    """Begin in any Compose project: a scenario that runs, a locustfile where there is none, the override. Example:
    harness init"""
    from harness.initialising import Written, first_load, first_scenario
    from harness.openapi import Asked
    from harness.openapi import locustfile as skeleton
    from harness.sweeping import locustfile_for

    paths = [path for path in compose_files(files) if files or path.name != OVERRIDE]
    folder, say = paths[0].parent, _say(out)
    written = Written([], [])
    try:
        locustfile = locustfile_for(None, folder)
    except HarnessError:
        locustfile = folder / "locustfiles" / "visitor.py"
    found = _discover(paths, entry, first_load(locustfile, written, say), watch, say)
    if not locustfile.exists():  # it was not watched
        written.write(locustfile, skeleton(Asked()))
    override = folder / OVERRIDE
    if override.exists():
        written.kept.append(override)
    else:
        _write(found, False, override)
        written.new.append(override)
    scenario = first_scenario(found.entry.service, found.found.edges, locustfile.name)
    written.write(folder / "scenarios" / "first.py", scenario)
    for path in written.new:
        say(f"written: {path}")
    for path in dict.fromkeys(written.kept):
        say(f"kept as it was: {path}")
    say("\nnext: harness run scenarios/first.py, then harness sweep")


def _discover(
    paths: list[Path],
    entry: str,
    load: WhileWatched,
    watch: str,
    say: Callable[[str], None],
) -> Discovery:
    """What of a project can be broken. Raises HarnessError."""
    from harness.adopting import adopt as discover
    from harness.durations import seconds
    from harness.interrupts import Interrupts
    from harness.stack.docker.compose import ComposeFiles
    from harness.stack.docker.discover import entry_of, read_project

    try:
        watch_s = seconds(watch)
    except ValueError as error:
        raise ScenarioError(f"--watch: {error}") from error
    files = ComposeFiles(tuple(paths))
    chosen = entry_of(read_project(files), entry)
    with Interrupts() as interrupts:
        try:
            found = discover(files, chosen, load, watch_s, say, interrupts)
        except HarnessError:
            if interrupts.number is not None:
                raise Interrupted(interrupts.number) from None
            raise
        if interrupts.number is not None:
            raise Interrupted(interrupts.number)
    return found


def _write(found: Discovery, strict: bool, path: Path) -> None:
    from harness.adopting import override_for, write_override

    write_override(path, override_for(found, "strict" if strict else "soft"))


def _say(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(line, markup=False, soft_wrap=True)
