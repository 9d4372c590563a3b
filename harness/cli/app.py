"""The command itself: what every verb shares, options and consoles."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from harness.errors import ComposeFileError, StartError, one_of

if TYPE_CHECKING:
    from harness.stack.spec import StackSpec

app = typer.Typer(
    name="harness",
    help="Breaks every connection of a stack on schedule, under honest load, and tells what held. "
    "Example: harness run scenarios/payments-slow.py",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"harness {version('resilience-harness')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    pass


stack_app = typer.Typer(help="Keeps a stack running between runs. Example: harness stack up", no_args_is_help=True)
app.add_typer(stack_app, name="stack")
backup_app = typer.Typer(help="Proves backups by restoring them. Example: harness backup verify", no_args_is_help=True)
app.add_typer(backup_app, name="backup")
runbook_app = typer.Typer(help="Executes runbooks. Example: harness runbook run postgres-down", no_args_is_help=True)
app.add_typer(runbook_app, name="runbook")
drill_app = typer.Typer(
    help="Destroys, recovers, records. Example: harness drill run postgres-down", no_args_is_help=True
)
app.add_typer(drill_app, name="drill")

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Scenario files, or folders of them.", show_default="scenarios")
]
Keyword = Annotated[str, typer.Option("-k", metavar="WORD", help="Only scenarios with this in their name.")]
Files = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", help="A Compose file; several as Compose takes them.", show_default="those here"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Reports = Annotated[Path, typer.Option(help="Where runs are kept.")]
StackKind = Annotated[
    str,
    typer.Option(
        "--stack", help="What it runs on: embedded (local processes) or docker.", show_default="what the file allows"
    ),
]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="Stop your own running copy of the project for the time (docker).")
]
SCENARIOS = Path("scenarios")
OVERRIDE = "harness.override.yml"
"""What `harness adopt` writes beside a Compose file, and what is read with it from then on."""

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def compose_files(files: list[Path] | None) -> list[Path]:
    """Those that are given, else those that Compose takes in this folder, with our override where there is one. Raises
    ComposeFileError."""
    from harness.stack.compose_here import find_compose_files

    if files:
        for path in files:
            if not path.is_file():
                raise ComposeFileError(f"{path} does not exist; name the Compose files of the project")
        return list(files)
    found = find_compose_files(Path.cwd())
    override = found[0].parent / OVERRIDE
    return [*found, override] if override.is_file() and override not in found else found


def known_kind(kind: str) -> str:
    """The kind of stack that is asked for, "" for none. Raises StartError."""
    from harness.openers import STACKS

    if kind and kind not in STACKS:
        raise StartError(one_of("stack", kind, STACKS, where="this version"))
    return kind


def spec_of(
    files: list[Path] | None,
    kind: str = "",
    take_over: bool = False,
    variables: Mapping[str, str] | None = None,
    over: Mapping[str, str] | None = None,
) -> tuple[StackSpec, str]:
    """(the stack that the Compose files describe, what it runs on): the kind that is asked for, else that of a stack
    that is kept here, else embedded where the file says how, else docker. `variables` are for the files, where the
    environment has none of that name, `over` those that it gives way to. Raises HarnessError.
    """
    from harness.openers import kept_kind
    from harness.stack.compose_file import has_processes, read_compose_file

    paths = compose_files(files)
    kind = (
        known_kind(kind)
        or kept_kind(paths[0])
        or ("embedded" if len(paths) == 1 and has_processes(paths[0]) else "docker")
    )
    given = {**(variables or {}), **os.environ, **(over or {})}
    if kind == "embedded":
        return read_compose_file(paths[0], given), kind
    from harness.stack.docker.spec import read_spec

    return replace(read_spec(paths, given), take_over=take_over), kind
