"""Verbs of the stack: heal, doctor, stack up, stack down, stack status."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from harness.cli.app import Files, Json, StackKind, TakeOver, app, compose_files, err, out, spec_of, stack_app
from harness.errors import HarnessError, HealIncomplete, Interrupted


@app.command()
def heal(
    run_folder: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="The run that broke it.")] = None,
    file: Files = None,
) -> None:
    """Mend a stack by hand, and say what was found. Example: harness heal"""
    from harness import store
    from harness.openers import kept_path
    from harness.stack import state as states
    from harness.stack.heal import heal as heal_stack

    path = store.find(run_folder).stack if run_folder is not None else kept_path(spec_of(file)[0])
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
def doctor(file: Files = None, as_json: Json = False) -> None:
    """Say what is here, what is missing, and the command that mends it. Example: harness doctor"""
    from harness.doctor import examine

    try:
        paths = compose_files(file)
    except HarnessError:
        paths = []
    parts = examine(paths)
    if as_json:
        print(json.dumps([{**asdict(part), "is_well": part.is_well} for part in parts], indent=2))
    else:
        for part in parts:
            mark = "[green]✓[/green]" if part.is_well else "[red]✗[/red]" if part.needed else "[yellow]–[/yellow]"
            out.print(f"{mark} {part.name:<24} {escape(part.found)}", soft_wrap=True)
            if part.remedy:
                how = "mend it with" if part.needed else "not needed here; to have it"
                out.print(f"  {how}: {part.remedy}", markup=False, soft_wrap=True)
    raise typer.Exit(0 if all(part.is_well for part in parts if part.needed) else 6)


@stack_app.command("up")
def stack_up(stack: StackKind = "", file: Files = None, take_over: TakeOver = False) -> None:
    """Start the stack, and leave it running. Example: harness stack up"""
    from harness.interrupts import Interrupts
    from harness.openers import keep
    from harness.terminal import print_stack

    spec, kind = spec_of(file, stack, take_over)
    with Interrupts() as interrupts:
        try:
            state = keep(spec, kind, interrupts, err.print)
        except HealIncomplete:
            raise
        except HarnessError:
            if interrupts.number is not None:
                raise Interrupted(interrupts.number) from None
            raise
    print_stack(out, state.to_json())


@stack_app.command("down")
def stack_down(file: Files = None) -> None:
    """Take the kept stack down. Example: harness stack down"""
    from harness.openers import let_go

    out.print("the stack is down" if let_go(spec_of(file)[0]) else "no stack was up")


@stack_app.command("status")
def stack_status(file: Files = None, as_json: Json = False) -> None:
    """Say where each service and link is, and how it does. Example: harness stack status --json"""
    from harness.cli.stack_hands import stack_path
    from harness.openers import kept
    from harness.stack import state as states
    from harness.stack.status import status
    from harness.terminal import print_stack

    named = os.environ.get("HARNESS_STACK") and not file
    state = states.read(stack_path()) if named else kept(spec_of(file)[0])
    if state is None:
        raise HarnessError("no stack is up here; start one with: harness stack up")
    body = status(state)
    if as_json:
        print(json.dumps(body, indent=2))
    else:
        print_stack(out, body)
