"""Verbs that find out about any Compose project: adopt, init."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import OVERRIDE, Json, TakeOver, app, compose_files, err, out
from harness.errors import ComposeFileError, HarnessError, HealIncomplete, Interrupted, ScenarioError

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
WATCHED = "6s"
Watch = Annotated[
    str,
    typer.Option(help="How long the stack is watched under a little load; 0s: read files only.", show_default=WATCHED),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Only what is found can connect: nothing can go round Toxiproxy.")
]


@app.command()
def adopt(
    files: ComposeArguments = None,
    output: Annotated[Path | None, typer.Option("-o", help="Where the override goes.", show_default=OVERRIDE)] = None,
    entry: EntryOption = "",
    locustfile: Annotated[Path | None, typer.Option(help="What loads the stack while it is watched.")] = None,
    watch: Watch = "",
    strict: Strict = False,
    take_over: TakeOver = False,
    as_json: Json = False,
) -> None:
    """Find the links of a Compose project, and write an override that puts Toxiproxy on each. Example: harness adopt
    docker-compose.yml --locustfile locustfile.py"""
    from harness.adopt.words import lines
    from harness.light_load import light_load
    from harness.loader import find_locustfile
    from harness.model import Load
    from harness.stack.docker.engine import Engine

    paths = [path for path in compose_files(files) if files or path.name != OVERRIDE]
    console = err if as_json else out
    driver = find_locustfile(Load(str(locustfile))) if locustfile else None
    say = say_to(console)
    path = output or paths[0].parent / OVERRIDE
    if path.exists() and watch_seconds(watch):
        Engine.connect()  # what was seen is not written over by what was only read
    found = discover(paths, entry, light_load(driver, say), watch, take_over, say)
    write(found, strict, path)
    say(f"entry: {found.entry}  ({found.entry.reason})")
    for line in lines(found.found):
        say(line)
    say(f"\nwritten: {path}; correct its x-harness where it is wrong")
    run_it, sweep_it = _next(paths, path, paths[0].parent / "scenarios", locustfile)
    say(f"next: {sweep_it}, or {run_it}")
    if as_json:
        body = {
            "entry": str(found.entry),
            "links": [asdict(edge) for edge in found.found.edges],
            "left_out": [asdict(one) for one in found.found.left_out],
            "override": str(path),
        }
        print(json.dumps(body, indent=2))


@app.command()
def init(
    files: ComposeArguments = None, entry: EntryOption = "", watch: Watch = "", take_over: TakeOver = False
) -> None:
    """Begin in any Compose project: a scenario that runs, a locustfile where there is none, the override. Example:
    harness init"""
    from harness.initialising import Written, first_load, first_scenario
    from harness.loader import locustfiles_in
    from harness.openapi import Asked
    from harness.openapi import locustfile as skeleton
    from harness.stack.docker.spec import read_spec

    paths = [path for path in compose_files(files) if files or path.name != OVERRIDE]
    folder, say = paths[0].parent, say_to(out)
    written = Written([], [])
    override, there = folder / OVERRIDE, locustfiles_in(folder)
    locustfile = there[0] if there else folder / "locustfiles" / "visitor.py"
    if len(there) > 1:
        say(f"the load is {locustfile}, the first of {len(there)} locustfiles; correct the scenario for another")
    if is_kept := override.is_file():
        refuse_idle([override], {"--entry": entry})
        kept = read_spec([*paths, override])
        entry = f"{kept.entry_service}:{kept.entry_port}"
    found = discover(paths, entry, first_load(locustfile, written, say), watch, take_over, say)
    if not locustfile.exists():  # it was not watched
        written.write(locustfile, skeleton(Asked()))
    if is_kept:
        written.kept.append(override)
    else:
        write(found, False, override)
        written.new.append(override)
    scenario = folder / "scenarios" / "first.py"
    written.write(scenario, first_scenario(read_spec([*paths, override]), override, locustfile.name))
    for path in written.new:
        say(f"written: {path}")
    for path in dict.fromkeys(written.kept):
        say(f"kept as it was: {path}")
    run_it, sweep_it = _next(paths, override, scenario, locustfile if len(there) > 1 else None)
    say(f"\nnext: {run_it}, then {sweep_it}")


def _next(paths: list[Path], override: Path, scenario: Path, locustfile: Path | None) -> tuple[str, str]:
    """The commands that (run a scenario, or begin with one, sweep) with these files, which are named unless they are
    found here anyhow."""
    from harness.terminal import nearest

    found: list[Path] = []
    with contextlib.suppress(ComposeFileError):
        found = compose_files(None)
    files = [*paths, override]
    named = [] if [one.absolute() for one in files] == found else [nearest(one) for one in files]
    load = ["--locustfile", nearest(locustfile)] if locustfile else []
    if scenario.exists():
        run = ["harness", "run", *(word for one in named for word in ("-f", one)), nearest(scenario)]
    else:
        run = ["harness", "init", *(nearest(one) for one in paths if named)]
    return shlex.join(run), shlex.join(["harness", "sweep", *named, *load])


def refuse_idle(paths: list[Path], options: Mapping[str, object]) -> bool:
    """Whether one of the files has an x-harness, which leaves these options nothing to say. Raises ScenarioError where
    one is given all the same."""
    from harness.stack.docker.spec import described_by

    path = described_by(paths)
    idle = [name for name, value in options.items() if value]
    if path is not None and idle:
        raise ScenarioError(
            f"{', '.join(idle)} would do nothing: the x-harness of {path} says already where the load goes and what is "
            f"broken; edit it, or remove {'the file' if path.name == OVERRIDE else 'it'} to let that be found anew"
        )
    return path is not None


def watch_seconds(watch: str) -> float:
    from harness.durations import seconds

    try:
        return seconds(watch or WATCHED)
    except ValueError as error:
        raise ScenarioError(f"--watch: {error}") from error


def discover(
    paths: list[Path],
    entry: str,
    load: WhileWatched,
    watch: str,
    take_over: bool,
    say: Callable[[str], None],
) -> Discovery:
    """What of a project can be broken. Raises HarnessError."""
    from harness.adopting import adopt as look
    from harness.interrupts import Interrupts
    from harness.stack.docker.compose import ComposeFiles
    from harness.stack.docker.discover import entry_of, read_project

    watch_s = watch_seconds(watch)
    files = ComposeFiles(tuple(paths))
    chosen = entry_of(read_project(files), entry)
    with Interrupts() as interrupts:
        try:
            found = look(files, chosen, load, watch_s, say, interrupts, take_over)
        except HealIncomplete:
            raise
        except HarnessError:
            if interrupts.number is not None:
                raise Interrupted(interrupts.number) from None
            raise
        if interrupts.number is not None:
            raise Interrupted(interrupts.number)
    return found


def write(found: Discovery, strict: bool, path: Path) -> None:
    from harness.adopting import override_for, write_override

    write_override(path, override_for(found, "strict" if strict else "soft"))


def say_to(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(line, markup=False, soft_wrap=True)
