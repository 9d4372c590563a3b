"""`python -m target.backup`: the service; with a word after it, what an operator does by hand."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

import asyncpg

from target.backup.folder import KINDS, BackupError, Folder
from target.backup.logical import restore_logical
from target.backup.receiver import begin_anew, known
from target.backup.restore import restore
from target.backup.take import Taker, connected
from target.backup.targets import Wish
from target.settings import Settings, read_settings

ANSWERS_WITHIN_S = 1.5


def main(words: list[str]) -> int:
    """0: done; 1: it could not be done; 2: asked for in the wrong way."""
    if not words:
        from target.backup.app import make  # what a restore does not need, and would wait for
        from target.serve import serve

        serve(make)
        return 0
    given = _parser().parse_args(words)
    try:
        settings = read_settings()
        folder = Folder(Path(given.backups) if given.backups else settings.backups)
        return _do(given, folder, settings)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (BackupError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m target.backup", description=__doc__)
    parser.add_argument("--backups", help="the folder of backups; $BACKUPS where it is not given")
    verbs = parser.add_subparsers(dest="verb", required=True)
    take = verbs.add_parser("take", help="take a backup now")
    take.add_argument("--kind", choices=KINDS, default="physical")
    latest = verbs.add_parser("latest", help="print the newest whole backup")
    latest.add_argument("--kind", choices=KINDS, default="physical")
    verbs.add_parser("status", help="what there is, as JSON; exit code 1 where there is no physical backup")
    verbs.add_parser("begin-anew", help="put the backups of another database aside")
    again = verbs.add_parser("restore", help="restore one")
    again.add_argument("--from", dest="chosen", default="latest", help="latest, or the folder of a backup")
    again.add_argument("--into", help="PostgreSQL's data folder, empty; $DATABASE_FOLDER where it is not given")
    again.add_argument("--until", default="latest", help="latest, a restore point's name, an LSN, or a time")
    again.add_argument("--timeline", type=int, help="which way, where an earlier restore left one")
    again.add_argument("--logical", action="store_true", help="a dump, into the database of DATABASE_URL")
    again.add_argument("--instead", action="store_true", help="(logical) in the place of what is there")
    return parser


def _do(given: argparse.Namespace, folder: Folder, settings: Settings) -> int:
    if given.verb == "take":
        folder.make()
        print(asyncio.run(_take(folder, settings, given.kind)))
    elif given.verb == "latest":
        found = folder.backups(given.kind)
        if not found:
            raise BackupError(f"there is no {given.kind} backup in {folder.path}")
        print(found[0].path)
    elif given.verb == "status":
        there = {kind: [one.name for one in folder.backups(kind)] for kind in KINDS}
        point = next(folder.points(), None)
        newest = {"name": point.name, "at": point.at} if point else None
        print(json.dumps({"backups": there, "point": newest, "verified": folder.verified()}, indent=1))
        return 0 if there["physical"] else 1
    elif given.verb == "begin-anew":
        print(begin_anew(folder))
    elif given.logical:
        asyncio.run(restore_logical(folder, given.chosen, settings, print, instead=given.instead))
    else:
        into = given.into or settings.database_folder
        if not into:
            raise BackupError("say where to: --into, or $DATABASE_FOLDER")
        if Path(into) == Path(settings.database_folder):
            asyncio.run(_refuse_while_it_answers(settings))
        os.umask(0o077)
        restore(folder, given.chosen, Path(into), Wish(given.until, given.timeline), settings.weakness, print)
    return 0


async def _refuse_while_it_answers(settings: Settings) -> None:
    """A server whose data was lost may go on for a while, and would write into what is restored."""
    try:
        await (await asyncpg.connect(settings.database_url, timeout=ANSWERS_WITHIN_S)).close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return
    raise BackupError("the database server still runs and answers; stop it before its data is restored")


async def _take(folder: Folder, settings: Settings, kind: str) -> Path:
    async with connected(settings) as connection:
        await known(folder, connection)
    return (await Taker(folder, settings).take(kind)).path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
