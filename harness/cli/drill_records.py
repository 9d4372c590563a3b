"""Verbs of the records of drills: drill verify, drill learn, drill due, drill calendar."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from harness.cli.app import Json, Reports, drill_app, err, out
from harness.errors import HarnessError
from harness.record import Word

if TYPE_CHECKING:
    from harness.drill.records.due import Planned

DRILLS = Path("drills")
Drills = Annotated[Path, typer.Option("--drills", help="The folder of drills.")]
Period = Annotated[
    str, typer.Option(metavar="DAYS", help="For all drills, such as 92d.", show_default="what each drill says")
]


@drill_app.command("verify")
def verify(
    head: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A head.json, or any record, that was kept elsewhere.")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The public key, kept elsewhere.")] = None,
    reports: Reports = Path("reports"),
    as_json: Json = False,
) -> None:
    """Prove the records of all drills, or name the first place that was changed. Example: harness drill verify --head
    kept/head.json --key kept/key.pub.pem"""
    from harness.drill.records import chain

    proof = chain.verify(_folder(reports), key, head)
    if as_json:
        print(json.dumps(proof.to_json(), indent=2))
    else:
        mark = "[green]✓[/green]" if proof.word is Word.PASS else "[red]✗[/red]"
        out.print(mark, end=" ")
        _say(proof.sentence)
        for problem in proof.problems[1:]:
            _say(f"  also: {problem.sentence}")
        for note in proof.notes:
            _say(f"  note: {note}")
        if proof.word is Word.PASS and head is None:
            _say("  it was held against the head.json beside it; to prove it against one kept elsewhere: --head FILE")
    raise typer.Exit(0 if proof.word is Word.PASS else 1)


@drill_app.command("learn")
def learn(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="SEQ TEXT", help="The drill's record, and what was learnt from it.")
    ] = None,
    owner: Annotated[str, typer.Option(help="Who follows it up.")] = "",
    due: Annotated[str, typer.Option(metavar="DAY", help="Until when, such as 2026-12-31.")] = "",
    state: Annotated[str, typer.Option(help="open, closed or noted.", show_default="open with an owner")] = "",
    close: Annotated[
        int | None, typer.Option(metavar="N", help="The record of a follow-up that is done; TEXT may say how.")
    ] = None,
    reports: Reports = Path("reports"),
) -> None:
    """Write down what a drill taught, and who follows it up until when. Example: harness drill learn 5 "keep two dumps"
    --owner ana --due 2026-12-31"""
    from harness.drill.records import learnings

    given = words or []
    folder = _folder(reports)
    _close_abandoned(folder, out)
    if close is not None:
        if len(given) > 1 or owner or due or state:
            raise HarnessError('to close a follow-up give its record, and how: harness drill learn --close 7 "done so"')
        record = learnings.close(folder, close, "".join(given))
        _say(f"record {record.seq}: follow-up {close} is closed")
        _show(folder, record.seq)
        return
    if len(given) != 2 or not given[0].isdigit():
        raise HarnessError('give the record of a drill and what was learnt: harness drill learn 5 "keep two dumps"')
    record = learnings.learn(folder, int(given[0]), given[1], owner=owner, due=due, state=state)
    ends = f"; {owner} follows it up until {due}" if record.body["state"] == learnings.OPEN else ""
    _say(f"record {record.seq}: learnt from the drill of record {given[0]}{ends}")
    _show(folder, record.seq)


@drill_app.command("due")
def due(
    period: Period = "", drills: Drills = DRILLS, reports: Reports = Path("reports"), as_json: Json = False
) -> None:
    """Say which drills are due, and which follow-ups are late; exit 1 where any is. Example: harness drill due"""
    from harness.drill.records import chain, learnings
    from harness.drill.records.due import due as due_of

    now = datetime.now(UTC)
    planned = _planned(drills, period)
    _close_abandoned(_folder(reports), err)
    records = chain.read_chain(_folder(reports))
    found = due_of(planned, records, now)
    late = learnings.overdue(records, now.date())
    if as_json:
        follow_ups = [
            {"seq": one.seq, "drill": one.drill, "owner": one.owner, "due": str(one.due), "text": one.text}
            for one in late
        ]
        print(json.dumps({"drills": [one.to_json() for one in found], "follow_ups": follow_ups}, indent=2))
    else:
        for one in found:
            out.print("[red]✗[/red]" if one.is_due else "[green]✓[/green]", end=" ")
            _say(f"{one.name:<20} {one.sentence}")
        for follow_up in late:
            out.print("[red]✗[/red]", end=" ")
            _say(
                f"follow-up {follow_up.seq}, {follow_up.owner}, was due {follow_up.due}: {follow_up.text} "
                f"(drill {follow_up.drill}); when it is done: harness drill learn --close {follow_up.seq}"
            )
    raise typer.Exit(1 if late or any(one.is_due for one in found) else 0)


@drill_app.command("calendar")
def calendar(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where it goes.", show_default="print")] = None,
    period: Period = "",
    drills: Drills = DRILLS,
    reports: Reports = Path("reports"),
) -> None:
    """Write when each drill is due next, as a calendar reads it. Example: harness drill calendar drills.ics"""
    from harness.drill.records import chain, ics, learnings
    from harness.drill.records.due import due as due_of

    records = chain.read_chain(_folder(reports))
    found = due_of(_planned(drills, period), records, datetime.now(UTC))
    raw = ics.calendar(found, learnings.read(records), records, records[0].key if records else "")
    if file is None:
        sys.stdout.buffer.write(raw)
        return
    try:
        file.write_bytes(raw)
    except OSError as error:
        raise HarnessError(f"cannot write {file}: {error.strerror}") from None
    _say(f"{file}: {len(found)} drills")


def _folder(reports: Path) -> Path:
    return reports / "drills"


def _close_abandoned(folder: Path, console: Console) -> None:
    """Drills that were killed are recorded as aborted by whoever comes next."""
    if any(folder.glob(".running-*.json")):
        from harness.drill import underway

        underway.close_abandoned(folder, lambda line: console.print(line, markup=False, soft_wrap=True))


def _planned(drills: Path, period: str) -> list[Planned]:
    """The drills of a folder, with one period for all where it is given. Raises HarnessError."""
    from harness.drill.records.planned import days, planned_in

    return planned_in(drills, days(period) if period else None)


def _show(folder: Path, seq: int) -> None:
    """The pages that tell of a learning; it is written, whether they can be or not."""
    from harness.report import drill_index

    try:
        drill_index.show_learning(folder, seq)
    except HarnessError as error:
        _say(f"its pages could not be made: {error}")


def _say(sentence: str) -> None:
    out.print(sentence, markup=False, soft_wrap=True)
