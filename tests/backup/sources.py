"""A small shop in a real PostgreSQL, and what the tests do to its backups."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.backup import programs
from harness.backup.making import Source, beat
from harness.backup.report import Report
from harness.backup.running import Deadline
from harness.backup.scratch import Scratch
from harness.record import Word

REPLICATING = {"wal_level": "replica", "max_wal_senders": "4", "full_page_writes": "on"}
SQL = r"""
CREATE ROLE app LOGIN PASSWORD 'secret'; CREATE ROLE reader; GRANT reader TO app;
CREATE DATABASE shop OWNER app;
ALTER DATABASE shop SET work_mem = '7MB';
\connect shop
CREATE TYPE public.state AS ENUM ('new', 'paid', 'sent');
CREATE TABLE public.orders (id bigserial PRIMARY KEY, amount int CHECK (amount > 0), st public.state DEFAULT 'new',
    note varchar CHECK (note IN ('a', 'b')), t int DEFAULT 1);
INSERT INTO public.orders (amount, note) SELECT g, 'a' FROM generate_series(1, 3000) g;
CREATE INDEX orders_amount ON public.orders (amount) WHERE note IN ('a', 'b');
ALTER TABLE public.orders OWNER TO app; GRANT SELECT ON public.orders TO reader;
CREATE VIEW public.paid AS SELECT * FROM public.orders WHERE note IN ('a', 'b') AND st = 'paid';
CREATE MATERIALIZED VIEW public.total AS SELECT sum(amount) FROM public.orders;
CREATE UNLOGGED TABLE public.cache (a int); INSERT INTO public.cache VALUES (1);
SELECT lo_from_bytea(0, 'abc');
CREATE TABLE public.settings (id serial PRIMARY KEY, v text); INSERT INTO public.settings VALUES (1, 'by hand');
CREATE MATERIALIZED VIEW public."Not yet" AS SELECT 1 WITH NO DATA;
SELECT format('CREATE FUNCTION public.long() RETURNS int LANGUAGE sql AS $$ SELECT 1 /* %s */ $$', repeat('x', 140000))
\gexec
COMMENT ON TABLE public.orders IS 'what''s ordered';
CHECKPOINT;
"""


@contextlib.contextmanager
def shop(*initdb: str) -> Iterator[tuple[Scratch, Source]]:
    """The newest PostgreSQL that is here, with the shop in it and a heartbeat."""
    with Scratch(programs.installed()[max(programs.installed())], settings=REPLICATING) as server:
        deadline = Deadline(60.0)
        server.initdb(deadline, *initdb)
        server.start(deadline)
        done = server.client("psql", deadline, "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", given=SQL.encode())
        assert done.code == 0, done.err
        source = Source(f"host={server.socket} user={server.user} dbname=shop", Deadline(120.0))
        beat(source)
        yield server, source


def damaged(backup: Path, to: Path, damage: Callable[[Path], object]) -> Path:
    """A copy, to which something was done."""
    if backup.is_dir():
        shutil.copytree(backup, to, symlinks=True)
    else:
        shutil.copyfile(backup, to)
    damage(to)
    return to


def flip(path: Path, at: int, bit: int = 0x10) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bit
    path.write_bytes(data)


def says(report: Report, word: Word, detector: str) -> bool:
    """Whether that is the word, and this the first thing that it tells; shown where it is not."""
    first = next((one.detector for one in report.judgements if one.word is word), "")
    assert (report.word, first) == (word, detector), report.sentence
    return True
