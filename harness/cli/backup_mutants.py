"""Verbs that damage backups on purpose: backup mutate, backup kill-rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.app import Json, backup_app, err, out
from harness.errors import MutationError

CACHE = Path(".harness/kill-rate")


@backup_app.command()
def mutate(
    backup: Annotated[Path | None, typer.Argument(metavar="BACKUP", help="A good backup; it stays as it is.")] = None,
    kind: Annotated[str, typer.Option(metavar="KIND", help="Such as bit-flipped; --list says which.")] = "",
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the damaged copy goes, new or empty.")] = None,
    seed: Annotated[int, typer.Option(help="Draws what is damaged.")] = 0,
    list_: Annotated[bool, typer.Option("--list", help="Say which kinds there are; of BACKUP, which fit it.")] = False,
    as_json: Json = False,
) -> None:
    """Write a damaged copy of a backup. Example: harness backup mutate /backups/logical/20261129T221133Z --kind
    bit-flipped --to /tmp/damaged --seed 7"""
    from harness.backup.mutants import MUTANTS, NOOP, find
    from harness.backup.mutants.mutating import make
    from harness.backup.mutants.parts import recognise

    if list_:
        parts = recognise(backup) if backup is not None else None
        for one in (NOOP, *MUTANTS):
            if parts is None or one.fits(parts):
                out.print(f"{one.name:30}  {one.sentence}", markup=False, soft_wrap=True)
        return
    if backup is None or not kind or to is None:
        raise MutationError(
            "give BACKUP, --kind KIND and --to DIR; harness backup mutate --list says which kinds there are"
        )
    made = make(find(kind), backup, to, seed)
    console = err if as_json else out
    console.print(made.sentence, markup=False, soft_wrap=True)
    console.print(f"written: {to}", markup=False, soft_wrap=True)
    if as_json:
        body = {"mutant": kind, "seed": seed, "backup": str(backup), "written": str(to), "done": made.sentence}
        print(json.dumps(body, indent=2))


@backup_app.command()
def kill_rate(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[BACKUP|MUTANT]...", help="Only these.", show_default="all")
    ] = None,
    cache: Annotated[Path, typer.Option(help="What is known already, so that it goes on where it was ended.")] = CACHE,
    out_: Annotated[Path, typer.Option("--out", help="Where the page goes.")] = Path("docs"),
    jobs: Annotated[int, typer.Option(min=1, help="How many at a time.")] = 3,
    thorough: Annotated[bool, typer.Option("--thorough", help="Every mutant on every shape that it fits.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Try again what is known already.")] = False,
) -> None:
    """Make good backups of many shapes and every mutant of them, verify each, and write which were caught. Exits 1
    unless all were, with no false alarm. Example: harness backup kill-rate custom bit-flipped"""
    import shutil

    from harness.backup.killrate import page as pages
    from harness.backup.killrate.rate import rate
    from harness.terminal import nearest

    def say(line: str) -> None:
        out.print(line, markup=False, soft_wrap=True)

    if fresh:
        shutil.rmtree(cache, ignore_errors=True)
    tried = rate(names or (), cache, say, jobs=jobs, thorough=thorough)
    if not names:
        out_.mkdir(parents=True, exist_ok=True)
        path = out_ / pages.NAME
        path.write_text(pages.page(tried), encoding="utf-8")
        say(f"report: {nearest(path.resolve())}")
    for line in pages.summary(tried):
        say(line)
    raise typer.Exit(tried.exit_code)
