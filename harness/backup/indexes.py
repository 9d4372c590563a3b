"""Looks every key up by each index, and reads each index from end to end: what pg_amcheck does, where it is not to be
had.

The keys are copied out by a sequential scan first: a query that may use the index for both sides confirms the index by
itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.backup.facts import NOT_SYSTEM
from harness.backup.session import QueryError, Session, identifier

_BTREES = (
    "SELECT c.relname, n.nspname, t.relname, i.indexrelid, i.indrelid, "
    "coalesce(pg_get_expr(i.indpred, i.indrelid), ''), "
    "(SELECT json_agg(pg_get_indexdef(i.indexrelid, k, true) || coalesce((SELECT ' COLLATE ' || "
    "format('%I.%I', cn.nspname, co.collname) FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace "
    "WHERE co.oid = i.indcollation[k - 1] AND co.collname <> 'default'), '') "
    "ORDER BY k) FROM generate_series(1, i.indnkeyatts) k), "
    "(SELECT string_agg(CASE WHEN o & 1 = 1 THEN 'DESC' ELSE 'ASC' END || CASE WHEN o & 2 = 2 THEN ' NULLS FIRST' "
    "ELSE ' NULLS LAST' END, '|' ORDER BY k) FROM unnest(i.indoption::int2[]) WITH ORDINALITY u(o, k)) "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid "
    "JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree' "
    f"WHERE i.indisvalid AND t.relkind IN ('r', 'm') AND t.relpersistence = 'p' AND {NOT_SYSTEM} ORDER BY 2, 3, 1"
)
_BY_INDEX = (
    "SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_seqscan = off; "
    "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_tidscan = off; SET LOCAL enable_sort = "
    "off; SET LOCAL enable_hashjoin = off; "
    "SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off; SET LOCAL enable_memoize = off; "
    "SET LOCAL max_parallel_workers_per_gather = 0"
)


@dataclass(frozen=True, slots=True)
class Found:
    """`wrong` are sentences; `looked` how many indexes were looked at, `passed_over` the names of those that no plan
    used."""

    wrong: list[str]
    looked: int
    passed_over: list[str]


def look_up(session: Session) -> Found:
    """Every B-tree index of users' tables."""
    wrong, passed_over, looked = [], [], 0
    for name, schema, table, oid, relation, predicate, keys, order in session.query(_BTREES):
        try:
            sentence = _Index(session, str(schema), str(table), str(oid), str(relation)).look(
                json.loads(str(keys)), str(order).split("|"), str(predicate)
            )
        except QueryError as error:
            sentence = f"a look-up ends in an error: {error}"
        finally:
            session.query("ROLLBACK")
        if sentence is None:
            passed_over.append(str(name))
            continue
        looked += 1
        if sentence:
            wrong.append(f"index {schema}.{name}: {sentence}")
    return Found(wrong, looked, passed_over)


_ONE_INDEX = (
    "SELECT DISTINCT ON (n.nspname, t.relname) c.relname, n.nspname, t.relname "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid "
    "JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree' "
    "WHERE i.indisvalid AND i.indpred IS NULL AND t.relkind IN ('r', 'm') AND t.relpersistence = 'p' "
    f"AND {NOT_SYSTEM} ORDER BY n.nspname, t.relname, i.indisprimary DESC, c.relpages"
)
_COUNT_BY_INDEX = (
    "SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on; SET LOCAL enable_seqscan = off; "
    "SET LOCAL max_parallel_workers_per_gather = 0"
)


def count_rows(session: Session) -> list[str]:
    """What is wrong, in sentences: an index that leads to more rows, or fewer, than its table has, as where the end of
    the table's file is gone. One whole B-tree index of each of users' tables is read."""
    wrong = []
    for name, schema, table in session.query(_ONE_INDEX):
        count = f"SELECT count(*) FROM ONLY {identifier(str(schema), str(table))}"
        try:
            rows = session.value(count)
            session.query("BEGIN")
            session.query(_COUNT_BY_INDEX)
            led_to = session.value(count)
            sentence = f"leads to {led_to} rows, and {schema}.{table} has {rows}" if led_to != rows else ""
        except QueryError as error:
            sentence = f"its rows cannot be counted: {error}"
        finally:
            session.query("ROLLBACK")
        if sentence:
            wrong.append(f"index {schema}.{name}: {sentence}")
    return wrong


class _Index:
    def __init__(self, session: Session, schema: str, table: str, oid: str, relation: str) -> None:
        self._session, self._oid = session, oid
        self._table, self._relation = identifier(schema, table), relation

    def look(self, keys: list[str], order: list[str], predicate: str) -> str | None:
        """A sentence of what is wrong, "" where nothing is; None where PostgreSQL does not use this index for it."""
        ask = self._session.query
        ask("BEGIN")
        named = ", ".join(f"({key}) AS k{number}" for number, key in enumerate(keys))
        where = f" WHERE {predicate}" if predicate else ""
        ask("SET LOCAL enable_seqscan = on")
        ask(
            f"CREATE TEMP TABLE harness_keys ON COMMIT DROP AS SELECT ctid AS c, {named} FROM ONLY {self._table}{where}"
        )
        ask("ANALYZE harness_keys")
        ask(
            f"UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indrelid = {self._relation} "
            f"AND indexrelid <> {self._oid}"
        )
        ask(_BY_INDEX)
        by_key = self._by_key(keys, where)
        return by_key if by_key else self._by_order(keys, order, where) if by_key == "" else None

    def _by_key(self, keys: list[str], where: str) -> str | None:
        equal = " AND ".join(f"({key}) = h.k{number}" for number, key in enumerate(keys))
        present = " AND ".join(f"h.k{number} IS NOT NULL" for number, _ in enumerate(keys))
        inner = f"SELECT FROM ONLY {self._table}{where}{' AND' if where else ' WHERE'} {equal} AND ctid = h.c OFFSET 0"
        sql = f"SELECT count(*) FROM pg_temp.harness_keys h WHERE {present} AND NOT EXISTS ({inner})"
        if not self._uses_it(sql):
            return None
        missed = self._session.value(sql)
        return "" if missed == "0" else f"{missed} rows are not found by their keys"

    def _by_order(self, keys: list[str], order: list[str], where: str) -> str | None:
        by = ", ".join(f"({key}) {way}" for key, way in zip(keys, order, strict=False))
        sql = f"SELECT ctid AS harness_at FROM ONLY {self._table}{where} ORDER BY {by}"
        if not self._uses_it(sql):
            return ""
        read = f"CREATE TEMP TABLE harness_read ON COMMIT DROP AS {sql}"
        self._session.query(read)
        self._session.query("SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on")
        missed = self._session.value(
            "SELECT count(*) FROM pg_temp.harness_keys h WHERE NOT EXISTS "
            "(SELECT FROM pg_temp.harness_read r WHERE r.harness_at = h.c)"
        )
        return "" if missed == "0" else f"{missed} rows are not met when it is read from end to end"

    def _uses_it(self, sql: str) -> bool:
        plan = " ".join(str(row[0]) for row in self._session.query(f"EXPLAIN {sql}"))
        name = self._session.value(f"SELECT relname FROM pg_catalog.pg_class WHERE oid = {self._oid}")
        quoted = identifier(name or "")
        return any(f"using {one} " in plan for one in (name, quoted))
