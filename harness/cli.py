"""The command line: one thin verb each. Here the parts are wired, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from harness.errors import HarnessError, HealIncomplete, Interrupted, ScenarioError

if TYPE_CHECKING:
    from harness.stack.compose_file import StackSpec

app = typer.Typer(
    name="harness",
    help="Breaks every connection of a stack on schedule, under honest load, and tells what held. "
    "Example: harness run scenarios/payments-slow.py",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
stack_app = typer.Typer(help="Keeps a stack running between runs. Example: harness stack up", no_args_is_help=True)
app.add_typer(stack_app, name="stack")

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Scenario files, or folders of them.", show_default="scenarios")
]
Keyword = Annotated[str, typer.Option("-k", metavar="WORD", help="Only scenarios with this in their name.")]
File = Annotated[Path | None, typer.Option("--file", "-f", help="The Compose file.", show_default="the one here")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Reports = Annotated[Path, typer.Option(help="Where runs are kept.")]
StackKind = Annotated[
    str | None,
    typer.Option("--stack", help="embedded (local processes) or docker.", show_default="the kept one's, else embedded"),
]
SCENARIOS = Path("scenarios")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@app.command()
def run(
    paths: Paths = None,
    keyword: Keyword = "",
    seed: Annotated[int | None, typer.Option(help="In place of the scenario's own.", show_default=False)] = None,
    reports: Reports = Path("reports"),
    stack: StackKind = None,
    file: File = None,
    as_json: Json = False,
) -> None:
    """Run scenarios, one after another. Example: harness run scenarios/ -k payments"""
    from harness import loader
    from harness.job import do, worst
    from harness.manifest import command_line
    from harness.openers import kind_of, opener
    from harness.plan import load_in_words, plan
    from harness.terminal import nearest, print_verdicts, view_for

    spec = _spec(file)
    kind = kind_of(spec, stack)
    loaded = [loader.load(path) for path in loader.find(paths or [SCENARIOS], keyword)]
    locustfiles = []
    for one in loaded:
        loader.check_links(one, spec.links, spec.path.name)
        loader.check_services(one, spec, kind)
        locustfiles.append(loader.find_locustfile(one.scenario.load, one.path))
    results = []
    console = err if as_json else out
    for one, locustfile in zip(loaded, locustfiles, strict=True):
        scenario = one.scenario if seed is None else replace(one.scenario, seed=seed)
        planned = plan(one.name, scenario)
        console.print(f"[bold]{one.name}[/bold]  {escape(one.question)}", soft_wrap=True)
        how_long_s = scenario.warmup_s + scenario.end_s
        console.print(f"{load_in_words(scenario.load)}; {how_long_s:.0f} s, seed {scenario.seed}", style="dim")
        with view_for(console, one.name, scenario.end_s) as view:
            open_stack = opener(spec, kind, view.say)
            result = do(planned, locustfile, open_stack, reports=reports, command=command_line(), view=view)
        results.append(result)
        print_verdicts(console, result.verdicts)
        if result.ending.still_broken:
            listed = "".join(f"\n    {sentence}" for sentence in result.ending.still_broken)
            raise HealIncomplete(f"healing is incomplete; try `harness heal`, and look at the stack:{listed}")
        if result.ending.signal is not None:
            console.print(f"its evidence is in {result.folder.path}; `harness report` makes the page", soft_wrap=True)
            raise Interrupted(result.ending.signal)
        console.print(f"report: {nearest(result.folder.report)}\n", soft_wrap=True)
    if as_json:
        print(json.dumps([one.to_json() for one in results], indent=2))
    raise typer.Exit(worst(one.exit_code for one in results))


@app.command()
def validate(paths: Paths = None, keyword: Keyword = "", stack: StackKind = None, file: File = None) -> None:
    """Show what scenarios would do, and touch nothing. Example: harness validate scenarios/"""
    from harness import loader
    from harness.openers import kind_of
    from harness.plan import load_in_words, plan, timeline

    spec = _spec(file)
    kind = kind_of(spec, stack)
    wrong = []
    for path in loader.find(paths or [SCENARIOS], keyword):
        try:
            loaded = loader.load(path)
            loader.check_links(loaded, spec.links, spec.path.name)
            loader.check_services(loaded, spec, kind)
            loader.find_locustfile(loaded.scenario.load, path)
        except HarnessError as error:
            wrong.append(str(error))
            continue
        out.print(f"[bold]{loaded.name}[/bold]  {escape(loaded.question)}", soft_wrap=True)
        out.print(f"  {load_in_words(loaded.scenario.load)}", style="dim", soft_wrap=True)
        out.print(timeline(plan(loaded.name, loaded.scenario)), markup=False, soft_wrap=True)
        for check in loaded.scenario.checks:
            out.print(f"  check: {check}", markup=False, soft_wrap=True)
        out.print()
    if wrong:
        raise ScenarioError("\n".join(wrong))


@app.command("list")
def list_(paths: Paths = None, keyword: Keyword = "", as_json: Json = False) -> None:
    """List scenarios and the question that each asks. Example: harness list"""
    from harness import loader

    loaded = [loader.load(path) for path in loader.find(paths or [SCENARIOS], keyword)]
    if as_json:
        rows = [{"name": one.name, "path": str(one.path), "question": one.question} for one in loaded]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    width = max(len(one.name) for one in loaded)
    for one in loaded:
        out.print(f"{one.name:<{width}}  {one.question}", markup=False, soft_wrap=True)


@app.command()
def load(
    locustfile: Annotated[Path, typer.Argument(help="An ordinary locustfile.")],
    host: Annotated[str, typer.Option(help="Where the load goes, such as http://127.0.0.1:8000.")],
    duration: Annotated[str, typer.Option("--for", help="How long, such as 60s or 5m.")] = "60s",
    rate: Annotated[float | None, typer.Option(help="Arrivals a second (open model).")] = None,
    users: Annotated[int | None, typer.Option(help="Users (closed model).")] = None,
    ok_ratio_min: Annotated[float, typer.Option(help="The share of requests that must be ok.")] = 0.99,
    warmup: Annotated[str, typer.Option(help="How long before anything counts.")] = "3s",
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    allow_host: Annotated[str | None, typer.Option(help="A host beyond this machine that you may load.")] = None,
    reports: Reports = Path("reports"),
    as_json: Json = False,
) -> None:
    """A plain load test: no stack, no fault, same report. Example: harness load locustfiles/shop.py --host
    http://127.0.0.1:8000 --rate 100 --for 60s"""
    from harness.job import do
    from harness.loader import find_locustfile
    from harness.manifest import command_line
    from harness.openers import host_opener
    from harness.plain_load import plain_load
    from harness.plan import plan
    from harness.terminal import nearest, print_verdicts, view_for

    scenario = plain_load(locustfile, duration, warmup, rate, users, ok_ratio_min, seed)
    found = find_locustfile(scenario.load)
    open_stack = host_opener(host, allow_host)
    console = err if as_json else out
    name = f"load-{locustfile.stem}"
    with view_for(console, name, scenario.end_s) as view:
        result = do(plan(name, scenario), found, open_stack, reports=reports, command=command_line(), view=view)
    print_verdicts(console, result.verdicts)
    if result.ending.signal is not None:
        raise Interrupted(result.ending.signal)
    console.print(f"report: {nearest(result.folder.report)}", soft_wrap=True)
    if as_json:
        print(json.dumps(result.to_json(), indent=2))
    raise typer.Exit(result.exit_code)


@app.command()
def report(
    run_folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder, or reports/SCENARIO for its latest.")
    ],
    as_json: Json = False,
) -> None:
    """Build the report again, from the run folder alone. Example: harness report reports/calm/latest"""
    from harness import report as reporting
    from harness import store
    from harness.terminal import nearest

    folder = store.find(run_folder)
    figures = reporting.build(folder)
    if as_json:
        print(json.dumps(figures.to_json(), indent=2, ensure_ascii=False))
    else:
        out.print(f"report: {nearest(folder.report)}", soft_wrap=True)


@app.command()
def heal(
    run_folder: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="The run that broke it.")] = None,
    file: File = None,
) -> None:
    """Mend a stack by hand, and say what was found. Example: harness heal"""
    from harness import store
    from harness.openers import kept_path
    from harness.stack import state as states
    from harness.stack.heal import heal as heal_stack

    path = store.find(run_folder).stack if run_folder is not None else kept_path(_spec(file))
    if run_folder is None and not path.is_file():
        raise HarnessError("no stack is kept here, so there is nothing to heal; give the RUN folder that broke one")
    found = heal_stack(states.read(path))
    for sentence in found.mended:
        out.print(f"mended: {sentence}", markup=False, soft_wrap=True)
    if found.broken:
        listed = "".join(f"\n    {sentence}" for sentence in found.broken)
        raise HealIncomplete(f"still broken; look at the stack, or take it down: harness stack down{listed}")
    if not found.mended:
        out.print("nothing was broken: every service and every proxy is as it was")


@app.command()
def doctor(file: File = None, as_json: Json = False) -> None:
    """Say what is here, what is missing, and the command that mends it. Example: harness doctor"""
    from harness.doctor import examine
    from harness.stack.compose_file import find_compose_file

    try:
        compose_file: Path | None = file or find_compose_file(Path.cwd())
    except HarnessError:
        compose_file = None
    parts = examine(compose_file)
    if as_json:
        print(json.dumps([{**asdict(part), "is_well": part.is_well} for part in parts], indent=2))
    else:
        for part in parts:
            mark = "[green]✓[/green]" if part.is_well else "[red]✗[/red]"
            out.print(f"{mark} {part.name:<24} {escape(part.found)}", soft_wrap=True)
            if part.remedy:
                out.print(f"  mend it with: {part.remedy}", markup=False, soft_wrap=True)
    raise typer.Exit(0 if all(part.is_well for part in parts if part.needed) else 6)


@stack_app.command("up")
def stack_up(stack: StackKind = None, file: File = None) -> None:
    """Start the stack, and leave it running. Example: harness stack up"""
    from harness.interrupts import Interrupts
    from harness.openers import STACKS, keep
    from harness.terminal import print_stack

    spec = _spec(file)
    with Interrupts() as interrupts:
        try:
            state = keep(spec, stack or STACKS[0], interrupts, err.print)
        except HarnessError:
            if interrupts.number is not None:
                raise Interrupted(interrupts.number) from None
            raise
    print_stack(out, state.to_json())


@stack_app.command("down")
def stack_down(file: File = None) -> None:
    """Take the kept stack down. Example: harness stack down"""
    from harness.openers import let_go

    out.print("the stack is down" if let_go(_spec(file)) else "no stack was up")


@stack_app.command("status")
def stack_status(file: File = None, as_json: Json = False) -> None:
    """Say where each service and link is, and how it does. Example: harness stack status --json"""
    from harness.openers import kept
    from harness.stack.status import status
    from harness.terminal import print_stack

    state = kept(_spec(file))
    if state is None:
        raise HarnessError("no stack is up here; start one with: harness stack up")
    body = status(state)
    if as_json:
        print(json.dumps(body, indent=2))
    else:
        print_stack(out, body)


def _spec(file: Path | None) -> StackSpec:
    from harness.stack.compose_file import find_compose_file, read_compose_file

    return read_compose_file(file or find_compose_file(Path.cwd()))
