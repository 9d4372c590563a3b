"""The server that the good backups are made of: a database that has all that a backup can lose, and one beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from harness.backup import programs
from harness.backup.mutants.server import Server

SQL = Path(__file__).with_name("source.sql")
DATABASE = "shop"
BEAT_AT = datetime(2026, 1, 9, 12, 0, 0, 250_000, tzinfo=UTC)
"""The heartbeat of the data. It stands still, so that two builds of a good backup hold the same rows."""
EXTENSIONS = ("vector", "pg_trgm")
"""Of these the first that a PostgreSQL has."""
RULES = (
    (
        "ledger equals balances",
        "SELECT count(*) FROM (SELECT account, sum(amount) AS s FROM public.ledger GROUP BY 1) l "
        "JOIN public.balances b USING (account) WHERE l.s <> b.amount",
    ),
    ("totals are those of the lines", "SELECT count(*) FROM public.orders WHERE total <> public.total_of(id)"),
)
"""Each answers 0 while the business is in order."""
SMALL_SEGMENT_MB = 1
"""Of the newest version, which most shapes are of; the others have PostgreSQL's own."""


@contextmanager
def running(major: int, *, checksums: bool = True, archive: bool = False) -> Iterator[Server]:
    """A server of that version with all of the source in it; with `archive` its WAL goes to its folder archive."""
    with Server(programs.find(major), major) as server:
        size = [] if major < max(programs.installed()) else [f"--wal-segsize={SMALL_SEGMENT_MB}"]
        server.make(*(["--data-checksums"] if checksums else _without(major)), *size)
        more: tuple[str, ...] = ()
        if archive:
            place = server.folder / "archive"
            place.mkdir()
            server.own(place)
            more = ("-c", "archive_mode=on", "-c", f'archive_command=cp "%p" "{place}/%f"')
        server.run_up(*more)
        server.sql(SQL.read_text(encoding="utf-8"), "postgres")
        there = server.sql("SELECT name FROM pg_available_extensions", DATABASE).splitlines()
        for name in [one for one in EXTENSIONS if one in there][:1]:
            server.sql(f"CREATE EXTENSION {name}", DATABASE)
        yield server


def _without(major: int) -> list[str]:
    return ["--no-data-checksums"] if major >= 18 else []
