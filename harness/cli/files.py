"""The verb that damages files at rest: mutate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.app import Json, app, err, out
from harness.errors import MutationError


@app.command()
def mutate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or CSV with rows that have ids.")],
    kind: Annotated[str, typer.Option("--with", metavar="MUTATION", help="Such as unit-x100; docs/feed-bad-data.md.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="Where the damaged copy goes.")],
    rows: Annotated[int | None, typer.Option(min=1, help="How many rows.", show_default="1")] = None,
    ratio: Annotated[float, typer.Option(help="What share of the rows, 0 to 1.", show_default="no share")] = 0.0,
    field: Annotated[str, typer.Option(help="Which field.", show_default="the first that it can be")] = "",
    id_field: Annotated[str, typer.Option(help="What the ids are called.", show_default="id, row_id, *_id")] = "",
    seed: Annotated[int, typer.Option(help="Draws the rows.")] = 0,
    earlier: Annotated[Path | None, typer.Option(help="The file before it, for replay and late-rows.")] = None,
    as_json: Json = False,
) -> None:
    """Write a damaged copy of a file, and tell which rows and fields were touched. Example: harness mutate
    invoices.csv --with unit-x100 --rows 3 --seed 7 --out bad.csv"""
    from harness.baddata.mutation import Mutation
    from harness.mutating import mutate_file

    console = err if as_json else out
    try:
        asked = Mutation(kind=kind, rows=rows or 0, ratio=ratio, field=field, id_field=id_field, seed=seed)
    except ValueError as error:
        raise MutationError(str(error)) from error
    done = mutate_file(file, asked, output, earlier)
    for name in done.rows:
        console.print(f"{name}  {', '.join(done.fields) or 'all of it'}", markup=False, soft_wrap=True)
    console.print(f"written: {output}", markup=False, soft_wrap=True)
    if as_json:
        body = {"mutator": kind, "rows": done.rows, "fields": done.fields, "file": str(file), "written": str(output)}
        print(json.dumps(body, indent=2))
