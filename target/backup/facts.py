"""What a database holds at one instant: rows and a hash of each table, sequences, sums that must be right.

A table's hash does not depend on the order of its rows, and two that are alike do not cancel: anybody can compute it
again in SQL, by the same settings. Written into a backup's manifest, it is what a restore is compared with.
"""

from __future__ import annotations

from typing import Any

SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "extra_float_digits": "1",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "row_security": "off",
    "enable_indexonlyscan": "off",
    "enable_indexscan": "off",
    "enable_bitmapscan": "off",
    "search_path": "",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lc_monetary": "C",
}
HEARTBEAT = """
CREATE TABLE IF NOT EXISTS public.harness_heartbeat (
    id    int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    at    timestamptz NOT NULL,
    nonce text NOT NULL
);
"""
INVARIANTS = (
    (
        "stock adds up",
        "public.orders",
        "SELECT (SELECT sum(available) FROM public.stock) + (SELECT coalesce(sum(quantity), 0) FROM public.orders "
        "WHERE status <> 'failed' AND idempotency_key NOT LIKE 'seed-%')",
    ),
    (
        "every order that is not settled is owed",
        "public.outbox",
        "SELECT count(*) FROM public.orders o LEFT JOIN public.outbox b ON b.order_id = o.id "
        "WHERE (o.status IN ('pending', 'accepted')) <> (b.order_id IS NOT NULL)",
    ),
    (
        "no order is of another amount than its product's",
        "public.orders",
        "SELECT count(*) FROM public.orders o JOIN public.products p ON p.id = o.product_id "
        "WHERE o.idempotency_key NOT LIKE 'seed-%' AND o.amount_cents <> p.price_cents * o.quantity",
    ),
)
"""(name, a table that it needs, the question)."""
TABLES = """
SELECT n.nspname AS schema, c.relname AS name, c.relpersistence = 'u' AS is_unlogged
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 1, 2
"""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def prepare(connection: Any) -> None:
    """Before the first question: the hash depends on how values are written."""
    for name, value in SETTINGS.items():
        await connection.execute("SELECT set_config($1, $2, false)", name, value)


async def tables(connection: Any, *, unlogged: bool = True) -> list[tuple[str, str]]:
    """(schema, name) of the user's tables."""
    rows = await connection.fetch(TABLES)
    return [(row["schema"], row["name"]) for row in rows if unlogged or not row["is_unlogged"]]


async def sequences(connection: Any) -> dict[str, int | None]:
    """Where each sequence is. They keep to no snapshot: to be read before one is taken."""
    rows = await connection.fetch(
        "SELECT schemaname || '.' || sequencename AS name, last_value FROM pg_catalog.pg_sequences s "
        "WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::regclass "
        "AND e.objid = pg_catalog.format('%I.%I', schemaname, sequencename)::regclass AND e.deptype = 'e') ORDER BY 1"
    )
    return {row["name"]: row["last_value"] for row in rows}


async def read(connection: Any, *, unlogged: bool = True) -> dict[str, Any]:
    """Tables, invariants and the heartbeat, in the snapshot of the transaction that the connection is in."""
    found: dict[str, Any] = {"tables": {}, "invariants": [], "heartbeat": None}
    for schema, name in await tables(connection, unlogged=unlogged):
        row = await connection.fetchrow(
            "SELECT count(*) AS rows, "
            "coalesce(sum(('x' || substr(md5((t.*)::text), 1, 15))::bit(60)::bigint::numeric), 0)::text AS hash "
            f"FROM ONLY {quoted(schema)}.{quoted(name)} t"
        )
        found["tables"][f"{schema}.{name}"] = dict(row)
    for name, needs, sql in INVARIANTS:
        if needs in found["tables"]:
            result = await connection.fetchval(f"SELECT ({sql})::text")
            found["invariants"].append({"name": name, "sql": sql, "result": result})
    if "public.harness_heartbeat" in found["tables"]:
        row = await connection.fetchrow("SELECT at, nonce FROM public.harness_heartbeat")
        if row is not None:
            at = row["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
            found["heartbeat"] = {"at": at, "nonce": row["nonce"]}
    return found
