"""Verbs that conduct drills: drill run, drill list."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from harness.cli.app import Files, Json, Reports, StackKind, drill_app, err, out, spec_of
from harness.errors import HarnessError, HealIncomplete, Interrupted, ScenarioError

if TYPE_CHECKING:
    from harness.drill.doing import Done
    from harness.drill.loader import LoadedDrill

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Drills, by their names or files.")]


@drill_app.command("run")
def drill_run(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Every drill of drills/, one after another.")] = False,
    stack: StackKind = "",
    sabotage: Annotated[
        str, typer.Option(metavar="STEP", help="Let this step of the runbook do nothing: the drill must fail.")
    ] = "",
    reports: Reports = Path("reports"),
    file: Files = None,
    as_json: Json = False,
) -> None:
    """Destroy, recover by the runbook, record. Example: harness drill run database-loss"""
    from harness.drill import loader, underway
    from harness.job import worst
    from harness.manifest import command_line

    if bool(names) == every:
        raise ScenarioError(
            "say which drill, as in `harness drill run database-loss`, or --all; see: harness drill list"
        )
    loaded = [loader.load(path) for path in loader.find(names or [])]
    if sabotage and len(loaded) != 1:
        raise ScenarioError(f"--sabotage is of one drill's runbook; given {len(loaded)} drills")
    spec, kind = spec_of(file, stack)
    console = err if as_json else out
    for one in list(loaded):
        try:
            loader.check(one, spec, kind)
        except ScenarioError as error:
            if not every:
                raise
            console.print(f"left out: {error}", markup=False, soft_wrap=True)
            loaded.remove(one)
        loader.check_sabotage(one, sabotage)
    if not loaded:
        raise ScenarioError(f"no drill of {loader.FOLDER}/ is possible on the {kind} stack; see why above")
    underway.close_abandoned(reports / "drills", lambda line: console.print(line, markup=False, soft_wrap=True))
    results, troubles = [], []
    for one in loaded:
        try:
            results.append(_run(one, kind, file, reports, command_line(), sabotage, console))
        except HarnessError as error:
            if len(loaded) == 1 or isinstance(error, Interrupted | HealIncomplete):
                raise
            console.print(f"{one.name}: {error}\n", style="red", markup=False, soft_wrap=True)
            troubles.append(error)
    if as_json:
        print(json.dumps([one.to_json() for one in results], indent=2))
    if len(loaded) > 1:
        _print_all(console, results, [one.name for one in loaded])
    if troubles:
        raise typer.Exit(troubles[0].exit_code)
    raise typer.Exit(worst(one.exit_code for one in results))


def _run(
    loaded: LoadedDrill,
    kind: str,
    files: list[Path] | None,
    reports: Path,
    command: list[str],
    sabotage: str,
    console: Console,
) -> Done:
    from harness.drill.doing import do
    from harness.drill.planning import plan_of
    from harness.plan import load_in_words
    from harness.terminal import view_for

    drill = loaded.drill
    console.print(f"[bold]{loaded.name}[/bold]  {escape(loaded.question)}", soft_wrap=True)
    objectives = f"RTO {drill.rto_s:g} s, RPO {drill.rpo_s:g} s"
    said = f"{load_in_words(drill.load)}; {objectives}; runbook {loaded.runbook.name}"
    console.print(said, style="dim", markup=False, soft_wrap=True)
    end_s = plan_of(loaded.name, drill).scenario.end_s
    with view_for(console, loaded.name, end_s) as view:
        done = do(
            loaded,
            lambda backups: spec_of(files, kind, False, drill.variables, {"BACKUPS": str(backups)})[0],
            kind,
            reports=reports,
            command=command,
            view=view,
            sabotage=sabotage,
        )
    _print(console, done)
    if done.ending.still_broken:
        raise HealIncomplete("\n".join(("not all could be taken down:", *done.ending.still_broken)))
    if done.ending.signal is not None:
        error = Interrupted(done.ending.signal)
        error.args = (f"interrupted by signal {done.ending.signal}; all is taken down, and record {done.seq} says so",)
        raise error
    if done.trouble is not None:
        raise done.trouble
    return done


def _print(console: Console, done: Done) -> None:
    from harness.terminal import MARKS, STYLES, nearest

    say: Callable[[str], None] = lambda line: console.print(line, markup=False, soft_wrap=True)  # noqa: E731
    body, word = done.judgement.body, done.judgement.word
    for one in body["checks"]:
        say(f"  {MARKS[one['word']]} {one['name']:<10} {one['sentence']}")
    say(f"RTO {_seconds(body['actual']['rto_s'])}, objective {_seconds(body['objectives']['rto_s'])}")
    say(f"RPO {_seconds(body['actual']['rpo_s'])}, objective {_seconds(body['objectives']['rpo_s'])}")
    if body["writes"] is not None:
        say("writes: " + ", ".join(f"{count:,} {fate}" for fate, count in body["writes"].items()))
    if body["runbook"] is not None:
        steps = body["runbook"]["steps"]
        executed = [one["id"] for one in steps if one["executed"]]
        others = [one["id"] for one in steps if not one["executed"]]
        rest = f"; not executed: {', '.join(others)}" if others else ""
        say(f"steps: {len(executed)} of {len(steps)} executed{rest}")
    console.print(f"{MARKS[word]} {word}", style=STYLES[word], end="  ")
    say(done.judgement.sentence)
    say(f"record: {done.seq}")
    if done.page is not None:
        say(f"page: {nearest(done.page)}\n")
    else:
        say(f"its evidence is in {nearest(done.folder.path)}\n")


def _seconds(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1f} s"


def _print_all(console: Console, results: list[Done], names: list[str]) -> None:
    """A line a drill."""
    by_name = {one.name: one for one in results}
    for name in names:
        one = by_name.get(name)
        line = f"{one.judgement.word:<8} {one.judgement.sentence}" if one else "did not begin"
        console.print(f"{name:<16} {line}", markup=False, soft_wrap=True)


@drill_app.command("list")
def drill_list(reports: Reports = Path("reports"), as_json: Json = False) -> None:
    """Say which drills there are, and what each proves. Example: harness drill list"""
    from harness.drill import loader, underway

    underway.close_abandoned(reports / "drills", lambda line: err.print(line, markup=False, soft_wrap=True))
    loaded = [loader.load(path) for path in loader.find([])]
    if as_json:
        rows = [
            {"name": one.name, "path": str(one.path), "question": one.question, "runbook": one.runbook.name}
            | {"rto_s": one.drill.rto_s, "rpo_s": one.drill.rpo_s, "period_days": one.drill.period_days}
            for one in loaded
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    width = max(len(one.name) for one in loaded)
    for one in loaded:
        out.print(f"{one.name:<{width}}  {one.question}", markup=False, soft_wrap=True)
        objectives = f"RTO {one.drill.rto_s:g} s, RPO {one.drill.rpo_s:g} s; runbook {one.runbook.name}"
        out.print(f"{'':<{width}}  {objectives}", style="dim", markup=False, soft_wrap=True)
