"""Verbs of runbooks: runbook list, check, run."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.app import Json, Reports, app, err, out, runbook_app
from harness.cli.runbook_talk import Talk
from harness.errors import HarnessError, Interrupted, RunbookError

if TYPE_CHECKING:
    from harness.runbook.checking import Known
    from harness.runbook.model import Execution, Runbook
    from harness.stack.state import StackState

FOLDER = Path("runbooks")
VARIABLES = {"BACKUPS": "the folder of backups"}
"""What steps need besides the stack, and a reader is told of it where it is not set."""
Books = Annotated[list[Path] | None, typer.Argument(help="Runbooks, or folders of them.", show_default="runbooks")]


@runbook_app.command("list")
def runbook_list(as_json: Json = False) -> None:
    """Say which runbooks there are, and which alerts lead to them. Example: harness runbook list"""
    from harness.runbook.reading import all_of, read

    books = [read(path) for path in all_of(FOLDER)]
    if not books:
        raise RunbookError(f"there is no runbook in {FOLDER}/; how to write one: docs/write-a-runbook.md")
    if as_json:
        listed = [
            {"name": one.name, "title": one.title, "alerts": one.alerts, "services": one.services, "drills": one.drills}
            | {"steps": len(one.steps), "version": one.version}
            for one in books
        ]
        print(json.dumps(listed, indent=2))
        return
    for one in books:
        out.print(f"{one.name:<18} {one.title}", markup=False, soft_wrap=True)
        out.print(f"{'':<18} {len(one.steps)} steps; alerts: {', '.join(one.alerts) or 'none'}", soft_wrap=True)


@runbook_app.command("check")
def runbook_check(paths: Books = None, reports: Reports = Path("reports")) -> None:
    """Find what has died in runbooks: links, drills, services, alerts, and steps that no drill ever executed. Exit 1
    where something has, 4 where no drill was run here that could tell. Example: harness runbook check"""
    from harness.runbook import checking
    from harness.runbook.reading import all_of, read

    files = [one for path in paths or [FOLDER] for one in (all_of(path) if path.is_dir() else [path])]
    if not files:
        raise RunbookError(f"there is no runbook in {FOLDER}/; how to write one: docs/write-a-runbook.md")
    books, found = [], []
    for file in files:
        try:
            books.append(read(file))
        except RunbookError as error:
            found.append(str(error))
    known = _known(files, found)
    records = _records(reports)
    ran = checking.ran_of(records or [])
    for book in books:
        mine = ran.get(book.name, checking.Ran())
        found += checking.troubles(book, known)
        found += checking.never_ran(book, mine) if records is not None else ()
        count = sum(checking.as_it_is(step, mine) for step in book.steps)
        last = f", last at {mine.last_at}" if mine.last_at else ""
        out.print(f"{book.name:<18} {count} of {len(book.steps)} steps were executed by drills{last}", soft_wrap=True)
        if other := checking.other_version(book, mine):
            out.print(f"  {other}", markup=False, soft_wrap=True)
        for sentence in checking.slow(book, mine):
            out.print(f"  slow: {sentence}", markup=False, soft_wrap=True)
    if not paths and len(books) == len(files):
        found += checking.unled(books, known.rules or ())
    for sentence in found:
        out.print(sentence, markup=False, soft_wrap=True)
    if records is None:
        out.print(f"no drill was run here (nothing in {reports}/drills), so that nobody knows which steps work")
    raise typer.Exit(1 if found else 4 if records is None else 0)


def _known(files: Sequence[Path], told: Collection[str]) -> Known:
    """What the Compose files here, the rules, drills/ and our own verbs say. What is `told` is not told again."""
    from harness.backup.alert import NOT_RESTORABLE, NOT_VERIFIED
    from harness.cli.app import spec_of
    from harness.drill import loader
    from harness.runbook import checking

    try:
        services: Sequence[str] | None = tuple(spec_of(None)[0].services)
    except HarnessError as error:
        services = None
        err.print(f"services are not looked at: {error}", markup=False, soft_wrap=True)
    rules = _rule_files(files)
    drills = {}
    for path in loader.find([]) if loader.FOLDER.is_dir() else ():
        try:
            drills[path.stem] = loader.load(path).drill.runbook
        except HarnessError as error:
            why = "its runbook does not fit the form" if any(str(error).endswith(one) for one in told) else str(error)
            err.print(f"{path} is not looked at: {why}", markup=False, soft_wrap=True)
    own = (NOT_RESTORABLE, NOT_VERIFIED)
    return checking.Known(services, checking.rules_in(rules) if rules else None, drills, own, _verbs())


def _verbs() -> dict[str, Collection[str]]:
    """The verbs of each group of the harness; none for what is a verb itself."""
    root = typer.main.get_command(app)
    return {name: tuple(getattr(one, "commands", ())) for name, one in getattr(root, "commands", {}).items()}


def _rule_files(files: Sequence[Path]) -> list[Path]:
    """Those that front matter names, as seen from here; else the YAML files among the configs of the Compose files."""
    from harness.cli.app import compose_files
    from harness.runbook.front_matter import front_matter
    from harness.stack.compose_yaml import read as read_yaml

    found: dict[Path, None] = {}
    for path in files:
        with contextlib.suppress(RunbookError, OSError, UnicodeDecodeError):
            found |= {
                Path(one): None for one in front_matter(path, path.read_text(encoding="utf-8").splitlines())[0]["rules"]
            }
    if found:
        return list(found)
    with contextlib.suppress(HarnessError):
        for path in compose_files(None):
            for one in (read_yaml(path).get("configs") or {}).values():
                name = str(one.get("file", "")) if isinstance(one, dict) else ""
                if name.endswith((".yml", ".yaml")):
                    found[path.parent / name] = None
    return list(found)


def _records(reports: Path) -> list[Mapping[str, Any]] | None:
    """The bodies of the drills' records, oldest first; None where there is none. Raises RecordError."""
    from harness.drill.records.chain import read_chain

    if not (reports / "drills" / "records").is_dir():
        return None
    return [one.body for one in read_chain(reports / "drills") if one.kind == "drill"]


@runbook_app.command("run")
def runbook_run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A runbook's name, or its file.")],
    answer: Annotated[
        list[str] | None, typer.Option("--answer", metavar="ID=OPTION", help="A decision, taken beforehand.")
    ] = None,
    sabotage: Annotated[str, typer.Option(metavar="STEP", help="Replace this step by one that does nothing.")] = "",
    as_json: Json = False,
) -> None:
    """Execute a runbook on the running stack; exit 0 all is well, 1 a step failed, 4 a decision waits. Example:
    harness runbook run postgres-down --answer decide=start"""
    from harness.interrupts import Interrupts
    from harness.record import Word
    from harness.runbook.commands import refuse_unset
    from harness.runbook.executing import Executor
    from harness.runbook.reading import find, read

    book = read(find(name, FOLDER))
    answers, environment = dict(_answer(one) for one in answer or ()), _environment()
    refuse_unset(book, {**os.environ, **environment}, answers, VARIABLES)
    console = err if as_json else out
    console.print(f"{book.title} ({book.path}, version {book.version[:12]})", markup=False, soft_wrap=True)
    with Interrupts() as interrupts:
        talk = Talk(book, console, interrupts.came)
        execution = Executor(
            book,
            environment,
            answers=answers,
            ask=talk.ask,
            say=lambda sentence: console.print(sentence, markup=False, soft_wrap=True),
            cancelled=interrupts.came,
            sabotage=sabotage,
            on_step=talk.tell,
        ).run()
    if as_json:
        print(json.dumps(execution.to_json(), indent=2))
    count = sum(one.executed for one in execution.results)
    console.print(f"{count} of {len(execution.results)} steps executed", soft_wrap=True)
    if interrupts.number is not None:
        raise _interrupted(interrupts.number, book, execution)
    stopped = next((one for one in execution.results if one.step == execution.stopped_at), None)
    if execution.failed_at:
        after = "; the rollback was executed" if execution.rolled_back else ""
        console.print(f"FAIL at {execution.failed_at}{after}", markup=False, soft_wrap=True)
    elif stopped is not None:
        console.print(f"STOPPED at {stopped.step}: {stopped.sentence}", markup=False, soft_wrap=True)
    else:
        console.print("PASS: every step showed what it should", soft_wrap=True)
    raise typer.Exit({Word.PASS: 0, Word.FAIL: 1, Word.UNKNOWN: 4}[execution.word])


def _interrupted(number: int, book: Runbook, execution: Execution) -> Interrupted:
    """The error, which says where it stopped, and that nothing is undone by that."""
    stopped = next((one for one in book.steps if one.id == execution.stopped_at), None)
    if execution.failed_at:
        where = f"after {execution.failed_at} had failed, in the rollback or before it"
    else:
        where = f"at the step {stopped.id} ({book.path}:{stopped.line})" if stopped else "after the last step"
    error = Interrupted(number)
    error.args = (f"interrupted by signal {number} {where}; nothing was undone; see its Rollback in {book.path}",)
    return error


def _environment() -> dict[str, str]:
    """What steps find besides ours: the stack to act on, where one runs, and where its backups are kept."""
    from harness.cli.stack_hands import stack_path
    from harness.stack import state

    found: dict[str, str] = {}
    try:
        path = stack_path().absolute()
    except HarnessError as error:
        if "HARNESS_STACK" in os.environ:
            raise
        err.print(f"steps find no stack: {error}", markup=False, soft_wrap=True)
        return found
    found["HARNESS_STACK"] = str(path)
    if not os.environ.get("BACKUPS") and (backups := _backups(state.read(path))):
        found["BACKUPS"] = backups
        err.print(f"BACKUPS is {backups}, as the stack has it", markup=False, soft_wrap=True)
    return found


def _backups(state: StackState) -> str:
    """The folder of backups that the stack was started with, or that its services have here; "" where none is known."""
    from harness.stack import launch

    given = [state.variables.get("BACKUPS", "")]
    for one in state.services:
        record = launch.read(one.launch) if one.launch else None
        given.append((record.environment or {}).get("BACKUPS", "") if record else "")
    found = {one for one in given if one and Path(one).is_dir()}
    return found.pop() if len(found) == 1 else ""


def _answer(given: str) -> tuple[str, str]:
    name, equals, option = given.partition("=")
    if not equals or not name or not option:
        raise RunbookError(f"an answer is given as ID=OPTION, as in --answer decide=restore; given {given!r}")
    return name, option
