"""Verbs of scenarios and their runs: run, validate, list, load, report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from harness.cli.app import SCENARIOS, Files, Json, Keyword, Paths, Reports, StackKind, TakeOver, app, err, out, spec_of
from harness.errors import HarnessError, HealIncomplete, Interrupted, ScenarioError


@app.command()
def run(
    paths: Paths = None,
    keyword: Keyword = "",
    seed: Annotated[int | None, typer.Option(help="In place of the scenario's own.", show_default=False)] = None,
    reports: Reports = Path("reports"),
    stack: StackKind = "",
    file: Files = None,
    take_over: TakeOver = False,
    as_json: Json = False,
) -> None:
    """Run scenarios, one after another. Example: harness run scenarios/ -k payments"""
    from harness import loader
    from harness.job import do, worst
    from harness.manifest import command_line
    from harness.openers import opener
    from harness.plan import load_in_words, plan
    from harness.terminal import nearest, print_not_ok, print_verdicts, view_for
    from harness.witnesses import reads_of

    spec, kind = spec_of(file, stack, take_over)
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
        here = spec_of(file, stack, take_over, scenario.variables)[0] if scenario.variables else spec
        here = replace(here, is_asked=bool(reads_of(scenario.checks)))
        with view_for(console, one.name, scenario.end_s) as view:
            open_stack = opener(here, kind, view.say, scenario.variables)
            result = do(planned, locustfile, open_stack, reports=reports, command=command_line(), view=view)
        results.append(result)
        print_verdicts(console, result.verdicts)
        print_not_ok(console, result.figures)
        if result.report is not None:
            console.print(f"report: {nearest(result.report)}\n", soft_wrap=True)
        else:
            console.print(f"its evidence is in {result.folder.path}; `harness report` makes the page", soft_wrap=True)
        if result.ending.still_broken:
            listed = "".join(f"\n    {sentence}" for sentence in result.ending.still_broken)
            raise HealIncomplete(f"healing is incomplete; try `harness heal`, and look at the stack:{listed}")
        if result.ending.signal is not None:
            raise Interrupted(result.ending.signal)
        if result.trouble is not None:
            raise result.trouble
    if as_json:
        print(json.dumps([one.to_json() for one in results], indent=2))
    raise typer.Exit(worst(one.exit_code for one in results))


@app.command()
def validate(paths: Paths = None, keyword: Keyword = "", stack: StackKind = "", file: Files = None) -> None:
    """Show what scenarios would do, and touch nothing. Example: harness validate scenarios/"""
    from harness import loader
    from harness.plan import check_in_words, load_in_words, plan, timeline

    spec, kind = spec_of(file, stack)
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
            out.print(f"  check: {check_in_words(check, loaded.scenario)}", markup=False, soft_wrap=True)
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
    from harness.terminal import nearest, print_not_ok, print_verdicts, view_for

    scenario = plain_load(locustfile, duration, warmup, rate, users, ok_ratio_min, seed)
    found = find_locustfile(scenario.load)
    open_stack = host_opener(host, allow_host)
    console = err if as_json else out
    name = f"load-{locustfile.stem}"
    with view_for(console, name, scenario.end_s) as view:
        result = do(plan(name, scenario), found, open_stack, reports=reports, command=command_line(), view=view)
    print_verdicts(console, result.verdicts)
    print_not_ok(console, result.figures)
    if result.ending.signal is not None:
        raise Interrupted(result.ending.signal)
    if result.trouble is not None:
        raise result.trouble
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
    """Build the report again, from the folder of a run or a sweep alone. Example: harness report reports/calm/latest"""
    from harness import report as reporting
    from harness import store
    from harness.sweep import record
    from harness.terminal import nearest

    if record.is_sweep(run_folder):
        _report_sweep(run_folder, as_json)
        return
    folder = store.find(run_folder, started=True)
    if (drills := folder.path.resolve().parents[1]).name == "drills":
        _report_drill(drills, folder.path.resolve())
        return
    figures = reporting.build(folder)
    for warning in figures.warnings:
        err.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps(figures.to_json(), indent=2, ensure_ascii=False))
    else:
        out.print(f"report: {nearest(folder.report)}", soft_wrap=True)


def _report_drill(drills: Path, folder: Path) -> None:
    """The page of a drill is made with its record, which says what was signed."""
    from harness.drill.records.chain import read_chain
    from harness.report.drill_index import build_index
    from harness.terminal import nearest

    asked = str(folder.relative_to(drills))
    found = [one.seq for one in read_chain(drills) if one.body.get("folder") == asked]
    if not found:
        raise HarnessError(
            f"no record of {drills} tells of {asked}; it is written when a drill ends, or by the next one"
        )
    build_index(drills, pages={found[-1]})
    out.print(f"report: {nearest(folder / 'report.html')}", soft_wrap=True)


def _report_sweep(path: Path, as_json: bool) -> None:
    from harness.report import sweep
    from harness.sweep import record
    from harness.terminal import nearest

    folder = record.find(path)
    matrix = sweep.build(folder.path)
    for warning in matrix.warnings:
        err.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps(matrix.to_json(), indent=2, ensure_ascii=False))
    else:
        out.print(f"report: {nearest(folder.report)}", soft_wrap=True)
