"""Good backups as people make them, without globals and with --clean: none of them may fail."""

from __future__ import annotations

import subprocess

import pytest

from harness.backup.verify import verify
from harness.record import Word
from tests.backup.sources import shop

pytestmark = pytest.mark.integration
MORE = r"""
CREATE ROLE apart; CREATE ROLE reading; CREATE TABLESPACE fast LOCATION '';
ALTER ROLE apart IN DATABASE shop SET work_mem = '5MB';
CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' TABLESPACE fast;
\connect bytes
CREATE TABLE public.raw (t text) TABLESPACE fast; INSERT INTO public.raw VALUES (E'\xe9');
SELECT lo_from_bytea(71, 'x'); ALTER LARGE OBJECT 71 OWNER TO apart;
SELECT lo_from_bytea(72, 'y'); GRANT SELECT ON LARGE OBJECT 72 TO reading;
CREATE TABLE public.k (i int PRIMARY KEY, t text); CREATE VIEW public.v AS SELECT i, t FROM public.k GROUP BY i;
CREATE FOREIGN DATA WRAPPER w; ALTER FOREIGN DATA WRAPPER w OWNER TO harness_scratch;
CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE TABLE public.far (id serial, a int) PARTITION BY RANGE (a);
CREATE FOREIGN TABLE public.far1 PARTITION OF public.far FOR VALUES FROM (1) TO (9) SERVER far;
CREATE SCHEMA s; CREATE VIEW s.v AS SELECT i, t FROM public.k GROUP BY i; ALTER VIEW public.v OWNER TO apart;
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dump for each recipe."""
    folder = tmp_path_factory.mktemp("recipes")
    with shop() as (server, source):
        done = server.client("psql", source.deadline, "-q", "-v", "ON_ERROR_STOP=1", "-d", "shop", given=MORE.encode())
        assert done.code == 0, done.err
        for name, *command in RECIPES:
            command = [server.bin / command[0], *server.where, "-f", folder / name, *command[1:]]
            subprocess.run([str(one) for one in command], check=True, timeout=60)
    return folder


RECIPES = (
    ("clean.sql", "pg_dump", "-c", "bytes"),
    ("clean-create.sql", "pg_dump", "-c", "-C", "shop"),
    ("create.sql", "pg_dump", "-C", "bytes"),
    ("plain.sql", "pg_dump", "bytes"),
    ("bytes.dump", "pg_dump", "-Fc", "bytes"),
    ("shop.dump", "pg_dump", "-Fc", "shop"),
    ("all-clean.sql", "pg_dumpall", "-c"),
)


@pytest.mark.parametrize("name", [recipe[0] for recipe in RECIPES])
def test_a_good_dump_is_no_bad_one(made, name):
    """What it drops first is not there, and what it refers to lies outside of it."""
    report = verify(made / name)
    assert report.word is Word.PASS, report.sentence
    assert (
        name in ("clean-create.sql", "shop.dump", "all-clean.sql") or "sequences of foreign tables" in report.not_judged
    )
    assert any(one.sentence.startswith(f"{name} is judged") for one in report.judgements)
