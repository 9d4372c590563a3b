"""Verbs of runbooks: runbook list, check, run."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.app import Json, Reports, err, out, runbook_app
from harness.errors import HarnessError, Interrupted, RunbookError

if TYPE_CHECKING:
    from harness.runbook.checking import Known
    from harness.runbook.model import Runbook, Step, StepResult

FOLDER = Path("runbooks")
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
    known = _known(files)
    records = _records(reports)
    ran = checking.ran_of(records or [])
    for book in books:
        mine = ran.get(book.name, checking.Ran())
        found += checking.troubles(book, known)
        found += checking.never_ran(book, mine) if records is not None else ()
        count = sum(step.id in mine.took_s for step in book.steps)
        last = f", last at {mine.last_at}" if mine.last_at else ""
        out.print(f"{book.name:<18} {count} of {len(book.steps)} steps were executed by drills{last}", soft_wrap=True)
        for sentence in checking.slow(book, mine):
            out.print(f"  slow: {sentence}", markup=False, soft_wrap=True)
    if not paths and len(books) == len(files):
        found += checking.unled(books, known.rules or ())
    for sentence in found:
        out.print(sentence, markup=False, soft_wrap=True)
    if records is None:
        out.print(f"no drill was run here (nothing in {reports}/drills), so that nobody knows which steps work")
    raise typer.Exit(1 if found else 4 if records is None else 0)


def _known(files: Sequence[Path]) -> Known:
    """What the Compose files here, the rules and drills/ say."""
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
            err.print(f"{path} is not looked at: {error}", markup=False, soft_wrap=True)
    return checking.Known(services, checking.rules_in(rules) if rules else None, drills)


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
    from harness.runbook.executing import Executor
    from harness.runbook.reading import find, read

    book = read(find(name, FOLDER))
    console = err if as_json else out
    console.print(f"{book.title} ({book.path}, version {book.version[:12]})", markup=False, soft_wrap=True)
    with Interrupts() as interrupts:
        execution = Executor(
            book,
            _environment(),
            answers=dict(_answer(one) for one in answer or ()),
            ask=_ask(interrupts.came),
            say=lambda sentence: console.print(sentence, markup=False, soft_wrap=True),
            cancelled=interrupts.came,
            sabotage=sabotage,
            on_step=lambda step, what, result: _tell(console.print, book, step, what, result),
        ).run()
    if as_json:
        print(json.dumps(execution.to_json(), indent=2))
    count = sum(one.executed for one in execution.results)
    console.print(f"{count} of {len(execution.results)} steps executed", soft_wrap=True)
    if interrupts.number is not None:
        raise Interrupted(interrupts.number)
    stopped = next((one for one in execution.results if one.step == execution.stopped_at), None)
    if execution.failed_at:
        after = "; the rollback was executed" if execution.rolled_back else ""
        console.print(f"FAIL at {execution.failed_at}{after}", markup=False, soft_wrap=True)
    elif stopped is not None:
        console.print(f"STOPPED at {stopped.step}: {stopped.sentence}", markup=False, soft_wrap=True)
    else:
        console.print("PASS: every step showed what it should", soft_wrap=True)
    raise typer.Exit({Word.PASS: 0, Word.FAIL: 1, Word.UNKNOWN: 4}[execution.word])


def _environment() -> dict[str, str]:
    """What steps find besides ours: the stack to act on, where one runs, and where backups are kept."""
    from harness.cli.stack_hands import stack_path

    found: dict[str, str] = {}
    try:
        found["HARNESS_STACK"] = str(stack_path().absolute())
    except HarnessError as error:
        if "HARNESS_STACK" in os.environ:
            raise
        err.print(f"steps find no stack: {error}", markup=False, soft_wrap=True)
    return found


def _answer(given: str) -> tuple[str, str]:
    name, equals, option = given.partition("=")
    if not equals or not name or not option:
        raise RunbookError(f"an answer is given as ID=OPTION, as in --answer decide=restore; given {given!r}")
    return name, option


def _ask(cancelled: Callable[[], bool]) -> Callable[[Step], str | None]:
    """Asks at the terminal, until it is one of the options; nobody where there is none."""

    def ask(step: Step) -> str | None:
        if not sys.stdin.isatty():
            return None
        while not cancelled():
            out.print(f"  {step.title} [{' | '.join(step.options)}] ", markup=False, end="")
            line = sys.stdin.readline()
            if not line:
                return None
            if line.strip() in step.options:
                return line.strip()
        return None

    return ask


def _tell(tell: Callable[..., None], book: Runbook, step: Step, what: str, result: StepResult | None) -> None:
    number = [one.id for one in book.steps].index(step.id) + 1
    if what == "began":
        takes = "a decision" if step.options else f"about {step.takes_s:g} s"
        where = f"{book.path}:{step.line}"
        tell(
            f"{number:>2}/{len(book.steps)} {step.section}: {step.id}: {step.title} ({takes}; {where})",
            markup=False,
            soft_wrap=True,
        )
    elif result is not None:
        tell(f"      {result.word}: {result.sentence}", markup=False, soft_wrap=True)
        if result.word == "fail" and result.output.strip():
            for line in result.output.strip().splitlines()[-12:]:
                tell(f"      | {line}", markup=False, soft_wrap=True)
