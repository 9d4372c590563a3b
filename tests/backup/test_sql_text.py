"""Dumps in SQL as psql gets them: what is mended on the way, and what is kept from it."""

from __future__ import annotations

import pytest

from harness.backup.sql_text import Script

BEGIN = b"-- PostgreSQL database dump\n"


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        (b"DROP DATABASE shop;\n", b"DROP DATABASE IF EXISTS shop;\n"),
        (b"DROP ROLE harness_scratch;\n", b""),
        (b"DROP USER MAPPING FOR a SERVER s;\n", b"DROP USER MAPPING IF EXISTS FOR a SERVER s;\n"),
        (b"DROP MATERIALIZED VIEW IF EXISTS a.v;\n", b"DROP MATERIALIZED VIEW IF EXISTS a.v;\n"),
        (b'DROP TRIGGER tr ON "My S"."t x";\n', b'DROP TRIGGER IF EXISTS tr ON "My S"."t x";\n'),
        (b"DROP CAST (a.b AS boolean);\n", b"DROP CAST IF EXISTS (a.b AS boolean);\n"),
        (
            b"ALTER TABLE ONLY a.b DROP CONSTRAINT c;\n",
            b"ALTER TABLE IF EXISTS ONLY a.b DROP CONSTRAINT IF EXISTS c;\n",
        ),
        (
            b"ALTER TABLE a.b ALTER COLUMN c DROP DEFAULT;\n",
            b"ALTER TABLE IF EXISTS a.b ALTER COLUMN c DROP DEFAULT;\n",
        ),
        (
            b"ALTER FOREIGN TABLE a.b ALTER COLUMN c DROP DEFAULT;\n",
            b"ALTER FOREIGN TABLE IF EXISTS a.b ALTER COLUMN c DROP DEFAULT;\n",
        ),
        (b"CREATE OR REPLACE VIEW a.v AS\nSELECT NULL::int AS i;\n", b""),
        (b"SELECT pg_catalog.lo_unlink('7');\n", b""),
    ],
)
def test_what_clean_drops_may_not_be_there(line, mended):
    """An empty server has none of it."""
    given = [BEGIN, *line.splitlines(keepends=True), b"CREATE TABLE a.b ();\n"]
    assert b"".join(Script().pass_on(given)) == BEGIN + mended + b"CREATE TABLE a.b ();\n"


def test_after_the_first_object_no_drop_is_changed():
    """It is text of a function, a comment or a row by then."""
    body = [b"CREATE FUNCTION a.f() AS $$\n", b"DROP TABLE x;\n", b"$$;\n", b"COPY a.b (c) FROM stdin;\n"]
    given = [BEGIN, *body, b"DROP TABLE x;\n", b"\\.\n"]
    assert list(Script().pass_on(given))[1:] == given


@pytest.mark.parametrize(
    "name",
    [
        b"host=/var/run/postgresql",
        b"postgres://h/d",
        b"\"dbname='x' host=/tmp ''\"",
        b'"dbname=\'x" alice /tmp "\'"',
        b"'host=/tmp'",
        b'"host=/tmp"',
    ],
)
def test_a_dump_leads_to_no_other_server(name):
    """psql is asked to take no command but to connect to a database by its name."""
    assert list(Script().pass_on([b"\\connect " + name + b"\n"], "G"))[1:] == [b"\\connect " + name + b"\n"]
    named = b'\\connect -reuse-previous=on "dbname=\'a ""b"" \\\\\'c=d\'"\n'.replace(b"\\\\'", b"\\'")
    script = Script()
    assert list(script.pass_on([named], "G"))[1] == b"\\unrestrict G\n" + named + b"\\restrict G\n"
    assert script.connected == ['a "b" \'c=d']


def test_what_lies_outside_of_a_database_is_found_or_left_out():
    """Roles that have settings in it; tablespaces, where nothing says where they are; bytes in no encoding."""
    given = [
        b"SET client_encoding = 'SQL_ASCII';\n",
        b"CREATE DATABASE d WITH TEMPLATE = template0 ENCODING = 'UTF8' TABLESPACE = \"fa st\";\n",
        b"SET default_tablespace = fast;\n",
        b"ALTER ROLE alice IN DATABASE d SET work_mem TO '5MB';\n",
    ]
    script = Script(tablespaces=False)
    assert list(script.pass_on(given))[1:] == [
        given[0],
        b"CREATE DATABASE d WITH TEMPLATE = template0 ENCODING = 'UTF8';\n",
        b"SET default_tablespace = '';\n",
        given[3],
    ]
    assert (script.roles, script.is_sql_ascii) == ({"alice"}, True)
