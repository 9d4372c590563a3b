"""Verbs of backups: verify, manifest, beat, latest, check."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.app import Json, backup_app, err, out
from harness.durations import seconds
from harness.errors import BackupError, Interrupted
from harness.record import Word

EXIT = {Word.PASS: 0, Word.FAIL: 1, Word.UNKNOWN: 4}
Webhook = Annotated[str, typer.Option(metavar="URL", help="Where an alert goes, as Alertmanager sends it.")]
Dsn = Annotated[str, typer.Option(help="The server, as libpq takes it.", show_default="the variables PG...")]
Within = Annotated[str, typer.Option(help="When it is given up.")]


def _seconds(name: str, text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise BackupError(f"{name}: {error}") from error


def _pair(text: str) -> tuple[str, str]:
    name, has_sql, sql = text.partition("=")
    if not has_sql or not name.strip() or not sql.strip():
        raise BackupError(
            f"an invariant is NAME=SQL, as in 'sum=SELECT sum(amount) FROM public.ledger'; given {text!r}"
        )
    return name.strip(), sql.strip()


def _with_answer(text: str) -> tuple[str, str, str]:
    name, sql = _pair(text)
    asked, has_answer, answer = sql.rpartition("=>")
    if not has_answer:
        raise BackupError(f"an invariant to verify is NAME=SQL=>ANSWER; given {text!r}")
    return name, asked.strip(), answer.strip()


@backup_app.command()
def verify(
    backup: Annotated[str, typer.Argument(help="A dump, a base backup, or a folder with a manifest.json.")],
    wal: Annotated[Path | None, typer.Option(help="The archive of WAL.", show_default="the manifest's")] = None,
    target: Annotated[
        str, typer.Option(help="name=..., lsn=..., time=... or immediate.", show_default="the manifest's")
    ] = "",
    max_age: Annotated[str, typer.Option(help="How old its data may be, such as 26h.", show_default="any")] = "",
    manifest: Annotated[Path | None, typer.Option(help="A manifest.json that lies elsewhere.")] = None,
    postgres: Annotated[Path | None, typer.Option(help="The folder bin to restore into.", show_default="found")] = None,
    scratch: Annotated[Path | None, typer.Option(help="An empty folder to work in.", show_default="temporary")] = None,
    database: Annotated[str, typer.Option(help="Which one is judged, of several.")] = "",
    invariant: Annotated[list[str] | None, typer.Option(metavar="NAME=SQL=>ANSWER", help="What must hold.")] = None,
    within: Within = "1h",
    webhook: Webhook = "",
    note: Annotated[Path | None, typer.Option(metavar="DIR", help="Where it is noted that it was verified.")] = None,
    kind: Annotated[str, typer.Option(help="logical or physical, for a note of one that is not there.")] = "",
    as_json: Json = False,
) -> None:
    """Restore a backup into a scratch server and judge it: exit 0 pass, 1 fail, 4 unknown. Example: harness backup
    verify shop.dump --max-age 26h"""
    from harness.backup import alert, folder
    from harness.backup.options import Options, read_target
    from harness.backup.verify import none_is_named
    from harness.backup.verify import verify as verify_backup
    from harness.interrupts import Interrupts

    if webhook:
        alert.require_url(webhook)
    if note is not None and not note.is_dir():
        raise BackupError(f"there is no folder {note} to note the verification in")
    folder.require_kind(kind)
    options = Options(
        wal=wal,
        target=read_target(target) if target else None,
        max_age_s=_seconds("--max-age", max_age) if max_age else None,
        manifest=manifest,
        postgres=postgres,
        invariants=tuple(_with_answer(one) for one in invariant or ()),
        within_s=_seconds("--within", within),
        scratch=scratch,
        database=database,
    )
    with Interrupts() as interrupts:
        report = verify_backup(Path(backup), options, cancelled=interrupts.came) if backup else none_is_named()
    if interrupts.number is not None:
        raise Interrupted(interrupts.number)
    before = folder.read_notes(note).kinds if note is not None else {}
    kind = folder.kind_of(note, report, kind) if note is not None else report.kind or kind
    now = datetime.now(UTC)
    unwritten: BackupError | None = None
    if note is not None:
        try:
            folder.write_note(note, report, kind, now)
        except BackupError as error:
            unwritten = error  # what was found is said, and told to who is on call, all the same
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        for one in report.judgements:
            mark = {Word.PASS: "✓", Word.FAIL: "✗", Word.UNKNOWN: "?"}[one.word]
            out.print(f"{mark} {one.detector:<17} {one.sentence}", markup=False, soft_wrap=True)
        for detector, why in report.not_judged.items():
            out.print(f"– {detector:<17} not judged: {why}", markup=False, soft_wrap=True)
        out.print(f"{report.word}: {report.sentence}", markup=False, soft_wrap=True)
    went_well = report.word is Word.PASS
    told = [one for one in (kind, "") if one in before and before[one].word != Word.PASS] if went_well else [kind]
    subject = str(note.resolve()) if note is not None else Path(backup).name
    summary = f"{Path(backup).name}: {report.sentence}" if backup else report.sentence
    for which in told if webhook else ():
        body = alert.message(alert.NOT_RESTORABLE, subject, summary, now, kind=which, resolved=went_well)
        _tell(alert.send(webhook, body))
    if unwritten is not None:
        raise unwritten
    raise typer.Exit(EXIT[report.word])


def _tell(undelivered: str) -> None:
    if undelivered:
        err.print(f"harness: {undelivered}", markup=False, soft_wrap=True)


@backup_app.command()
def manifest(
    backup: Annotated[Path, typer.Argument(help="A backup that was just made; where there is none, one is made.")],
    dsn: Dsn = "",
    invariant: Annotated[list[str] | None, typer.Option(metavar="NAME=SQL", help="What the business states.")] = None,
    wal: Annotated[str, typer.Option(help="The archive of WAL, as seen from the backup.")] = "",
    within: Within = "1h",
) -> None:
    """Write manifest.json: what is true of the data now, to be compared with a restore. Where BACKUP is not there yet
    it is made by pg_dump, in the same snapshot. Example: harness backup manifest backups/monday --dsn service=shop"""
    from harness.backup.making import Source, make_logical, write_manifest
    from harness.backup.running import Deadline

    source = Source(dsn, Deadline(_seconds("--within", within)))
    invariants = [_pair(one) for one in invariant or ()]
    if backup.exists():
        path = write_manifest(source, backup, invariants, wal)
    else:
        path = make_logical(source, backup, invariants) / "manifest.json"
    out.print(f"written: {path}", markup=False, soft_wrap=True)


@backup_app.command()
def beat(
    dsn: Dsn = "",
    every: Annotated[str, typer.Option(help="Again and again, such as 1s.", show_default="once")] = "",
) -> None:
    """Write the heartbeat of now into a database: a backup's age is told by it. Example: harness backup beat --dsn
    service=shop"""
    from harness.backup.making import Source
    from harness.backup.making import beat as beat_once
    from harness.backup.running import Deadline
    from harness.interrupts import Interrupts
    from harness.waiting import wait_until

    pause_s = _seconds("--every", every) if every else 0.0
    with Interrupts() as interrupts:
        while True:
            out.print(beat_once(Source(dsn, Deadline(30.0))), markup=False)
            if not every or interrupts.came():
                break
            wait_until(interrupts.came, pause_s)


@backup_app.command()
def latest(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of backups.")],
    kind: Annotated[str, typer.Option(help="logical or physical.", show_default="any")] = "",
) -> None:
    """Print the newest whole backup. Example: harness backup latest backups --kind physical"""
    from harness.backup.folder import latest as newest

    print(newest(folder, kind))


@backup_app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of backups.")],
    within: Annotated[str, typer.Option(help="How long ago the last verification may be.")] = "26h",
    webhook: Webhook = "",
) -> None:
    """Fail, and alert, when a kind of backup was not verified, and well, in that time: a watch on the verifier itself.
    Example: harness backup check backups --within 26h"""
    from harness.backup import alert
    from harness.backup.folder import check as check_note

    if webhook:
        alert.require_url(webhook)
    now = datetime.now(UTC)
    is_well, sentence = check_note(folder, _seconds("--within", within), now)
    out.print(sentence, markup=False, soft_wrap=True)
    if not is_well:
        if webhook:
            _tell(alert.send(webhook, alert.message(alert.NOT_VERIFIED, str(folder.resolve()), sentence, now)))
        raise typer.Exit(1)
