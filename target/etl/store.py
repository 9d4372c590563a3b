"""What is known of the pulled data: for the next pull, and for readers, who see whole batches only."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from target.database import Database
from target.etl.records import Header

USUAL_MIN = 5
RETRIES_MAX, RETRY_AFTER_S, RETRIES_A_PULL = 6, 10, 2
"""A batch with quarantined rows is asked for again: whatever hurt it on its way may be over."""


class Store:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def whole_until(self, first: date) -> date:
        """The last day before the first gap; the day before `first` while there is nothing."""
        async with self._database.connection() as connection:
            found: date | None = await connection.fetchval(
                "SELECT min(day) FROM batches b WHERE NOT EXISTS (SELECT 1 FROM batches n WHERE n.day = b.day + 1)"
            )
        return found or first - timedelta(days=1)

    async def there(self) -> set[str]:
        async with self._database.connection() as connection:
            return {row["batch_id"] for row in await connection.fetch("SELECT batch_id FROM batches")}

    async def to_try_again(self) -> list[Header]:
        """Batches of which rows are in quarantine, when their time has come."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT batch_id, month, day, announced AS rows, sum_cents FROM batches
                WHERE quarantined > 0 AND imports < $1 AND loaded_at < now() - make_interval(secs => $2)
                ORDER BY loaded_at LIMIT $3
                """,
                RETRIES_MAX,
                float(RETRY_AFTER_S),
                RETRIES_A_PULL,
            )
        return [Header(**row) for row in rows]

    async def find(self, batch_id: str) -> Header | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT batch_id, month, day, announced AS rows, sum_cents FROM batches WHERE batch_id = $1", batch_id
            )
        return Header(**row) if row else None

    async def usual(self) -> dict[str, float]:
        """What customers pay who have paid often enough: the middle of the amounts of the last two months."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT customer, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(amount_cents)) AS amount
                FROM invoices WHERE month IN (SELECT DISTINCT month FROM batches ORDER BY month DESC LIMIT 2)
                GROUP BY customer HAVING count(*) >= $1
                """,
                USUAL_MIN,
            )
        return {row["customer"]: float(row["amount"]) for row in rows}

    async def last_good(self) -> dict[str, Any] | None:
        """The newest batch without quarantined rows, with its invoices."""
        async with self._database.connection() as connection:
            found = await connection.fetchval(
                "SELECT batch_id FROM batches WHERE quarantined = 0 ORDER BY day DESC LIMIT 1"
            )
        return await self.batch(found) if found else None

    async def batch(self, batch_id: str) -> dict[str, Any] | None:
        """A batch with its invoices, by one statement: what one moment held."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT b.batch_id, b.day, b.announced, b.sum_cents, b.quarantined, b.import_id,
                    i.id, i.customer, i.amount_cents, i.currency, i.issued_at
                FROM batches b LEFT JOIN invoices i USING (batch_id) WHERE b.batch_id = $1 ORDER BY i.id
                """,
                batch_id,
            )
        if not rows:
            return None
        batch = {name: rows[0][name] for name in ("batch_id", "announced", "sum_cents", "quarantined", "import_id")}
        columns = ("id", "customer", "amount_cents", "currency")
        invoices = [
            {**{name: row[name] for name in columns}, "issued_at": row["issued_at"].isoformat()}
            for row in rows
            if row["id"] is not None
        ]
        return {**batch, "day": str(rows[0]["day"]), "invoices": invoices}

    async def imports(self, limit: int) -> list[dict[str, Any]]:
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT * FROM imports ORDER BY id DESC LIMIT $1", limit)
        return [_import(row) for row in rows]

    async def import_(self, import_id: int) -> dict[str, Any] | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow("SELECT * FROM imports WHERE id = $1", import_id)
        return _import(row) if row else None

    async def quarantine(self, limit: int) -> list[dict[str, Any]]:
        """What is in it now, the newest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT import_id, batch_id, row_id, raw, reason FROM quarantine WHERE resolved_at IS NULL "
                "ORDER BY id DESC LIMIT $1",
                limit,
            )
        return [dict(row) for row in rows]

    async def quarantined(self) -> int:
        async with self._database.connection() as connection:
            found: int = await connection.fetchval("SELECT count(*) FROM quarantine WHERE resolved_at IS NULL")
        return found


def _import(row: Any) -> dict[str, Any]:
    row_ids, sums = json.loads(row["row_ids"]), json.loads(row["sums"])
    parts = sums["loaded"] + sums["deduplicated"] + sums["quarantined"] + sums["rejected"]
    return {
        "import_id": row["id"],
        "batch_id": row["batch_id"],
        "at": row["at"].isoformat(),
        "outcome": row["outcome"],
        "reason": row["reason"],
        "announced": row["announced"],
        "received": sum(map(len, row_ids.values())),
        "rows": row_ids,
        "sums_cents": sums,
        "reconciles": parts == sums["announced"] and (bool(row_ids["quarantined"]) or not sums["quarantined"]),
    }
