"""The facts that say whether two databases hold the same: counts and hashes of tables, sequences, large objects,
heartbeat.

They are read in SQL that anybody can run, with the session's settings (session.SETTINGS), from the heap and not an
index."""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.backup.session import QueryError, Session, identifier

HEARTBEAT = "harness_heartbeat"
HEARTBEAT_TABLE = (
    f"CREATE TABLE IF NOT EXISTS public.{HEARTBEAT} "
    "(id int PRIMARY KEY DEFAULT 1 CHECK (id = 1), at timestamptz NOT NULL, nonce text NOT NULL)"
)
NOT_SYSTEM = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
NOT_OF_EXTENSION = (
    "NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = '{0}'::pg_catalog.regclass AND e.objid = {1}.oid "
    "AND e.deptype = 'e')"
)
_OWN_CLASS = NOT_OF_EXTENSION.format("pg_catalog.pg_class", "c")


@dataclass(frozen=True, slots=True)
class Table:
    """A table with rows of its own: partitioned tables have none, their partitions do."""

    schema: str
    name: str
    unlogged: bool = False

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def tables(session: Session) -> list[Table]:
    """Every user's table, sorted."""
    rows = session.query(
        "SELECT n.nspname, c.relname, c.relpersistence FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {NOT_SYSTEM} AND {_OWN_CLASS} ORDER BY 1, 2"
    )
    return [Table(str(schema), str(name), kept == "u") for schema, name, kept in rows]


def count_and_hash(session: Session, table: Table) -> tuple[int, str]:
    """Rows, and a hash that neither order nor vacuum changes and in which duplicates do not cancel.

    `t.*` is the row whatever its columns are called; `t` alone would be the column t of a table that has one.
    """
    rows = session.query(
        "SELECT count(*), coalesce(sum(('x' || substr(md5((t.*)::text), 1, 15))::bit(60)::bigint::numeric), 0)::text "
        f"FROM ONLY {identifier(table.schema, table.name)} t"
    )
    return int(rows[0][0] or 0), str(rows[0][1])


@dataclass(frozen=True, slots=True)
class Sequence:
    """`at` is what it says of itself; `next` the number that it gives next. `owner` is the column that it numbers, and
    `reached` the largest (smallest, where it counts down) number there, None where nothing is."""

    name: str
    at: int
    next: int
    step: int
    called: bool = True
    owner: str = ""
    reached: int | None = None
    taken: bool = False
    foreign: bool = False

    @property
    def floor(self) -> int:
        """What a restored one may not be behind of, as a manifest keeps it: one step less where it gave no number yet,
        since a row may have its first by other means."""
        return self.at if self.called else self.at - self.step


_FOREIGN = (
    "EXISTS (WITH RECURSIVE below(id) AS (SELECT t.oid UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i "
    "JOIN below b ON i.inhparent = b.id) SELECT FROM below b JOIN pg_catalog.pg_class f ON f.oid = b.id "
    "WHERE f.relkind = 'f')"
)
"""A foreign table, or one that has such among its partitions: reading it goes to another server."""
_SEQUENCES = (
    f"SELECT n.nspname, c.relname, s.seqincrement, tn.nspname, t.relname, a.attname, {_FOREIGN} "
    "FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid "
    "AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') "
    "LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid LEFT JOIN pg_catalog.pg_namespace tn ON "
    "tn.oid = t.relnamespace "
    "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid "
    "AND a.atttypid IN (20, 21, 23) "
    f"WHERE c.relpersistence <> 't' AND {NOT_SYSTEM} AND {_OWN_CLASS} ORDER BY 1, 2"
)


def sequences(session: Session, *, with_reached: bool = True) -> list[Sequence]:
    """Every user's sequence, sorted."""
    found = []
    for schema, name, step, table_schema, table, column, foreign in session.query(_SEQUENCES):
        at, called = session.query(f"SELECT last_value, is_called FROM {identifier(str(schema), str(name))}")[0]
        value, increment, was_called = int(at or 0), int(step or 1), called == "t"
        following = value + increment if was_called else value
        owner, reached, taken = "", None, False
        if column is not None and with_reached:
            owner = f"{table_schema}.{table}.{column}"
        if owner and foreign != "t":
            place, field = identifier(str(table_schema), str(table)), identifier(str(column))
            best = session.value(f"SELECT {'max' if increment > 0 else 'min'}({field}) FROM {place}")
            reached = None if best is None else int(best)
            taken = session.value(f"SELECT count(*) FROM {place} WHERE {field} = {following}") != "0"
        found.append(
            Sequence(f"{schema}.{name}", value, following, increment, was_called, owner, reached, taken, foreign == "t")
        )
    return found


def large_objects(session: Session) -> tuple[int, str]:
    """How many, and a hash of their bytes."""
    rows = session.query(
        "SELECT count(*), coalesce(sum(('x' || substr(md5(o.oid::text || ':' || md5(pg_catalog.lo_get(o.oid))), 1, 15))"
        "::bit(60)::bigint::numeric), 0)::text FROM pg_catalog.pg_largeobject_metadata o"
    )
    return int(rows[0][0] or 0), str(rows[0][1])


def heartbeat(session: Session) -> tuple[str, str] | None:
    """(at in RFC 3339, nonce) of the newest heartbeat in the data; None where there is none."""
    if session.value(f"SELECT pg_catalog.to_regclass('public.{HEARTBEAT}')") is None:
        return None
    try:
        rows = session.query(
            "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), nonce "
            f"FROM public.{HEARTBEAT} ORDER BY at DESC LIMIT 1"
        )
    except QueryError:
        return None
    return (str(rows[0][0]), str(rows[0][1])) if rows and rows[0][0] else None


def unpopulated(session: Session) -> list[str]:
    """Materialised views that hold nothing since they were not refreshed."""
    rows = session.query(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind = 'm' AND NOT c.relispopulated AND {NOT_SYSTEM} ORDER BY 1"
    )
    return [str(row[0]) for row in rows]


def as_json(value: object) -> str:
    """Canonical: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
