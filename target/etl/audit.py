"""What an auditor asks: what of each batch readers see, and what became of each row, from the tables themselves."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from target.database import Database

DAYS_MAX = 400
"""Of an answer, as in the feed's: more need another `since`."""


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def batches(self, since: date) -> list[dict[str, Any]]:
        """Of the days after `since`: what each batch announced and how much of it is there, by one statement."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT b.batch_id, b.announced, b.sum_cents AS announced_sum, b.quarantined,
                    count(i.id) AS rows, coalesce(sum(i.amount_cents), 0)::bigint AS sum
                FROM batches b LEFT JOIN invoices i USING (batch_id) WHERE b.day > $1
                GROUP BY b.batch_id ORDER BY b.day LIMIT $2
                """,
                since,
                DAYS_MAX,
            )
        return [dict(row) for row in rows]

    async def ledger(self, since: date) -> list[dict[str, Any]]:
        """The rows of each batch of the days after `since` as they are there, those that are in quarantine now, and the
        account of its last import, by one statement. A batch that was rejected and never loaded is of any day.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                WITH last AS (
                    SELECT DISTINCT ON (batch_id) batch_id, outcome, row_ids FROM imports
                    WHERE batch_id NOT IN (SELECT batch_id FROM batches WHERE day <= $1)
                    ORDER BY batch_id, id DESC LIMIT $2
                )
                SELECT batch_id, outcome, row_ids,
                    (SELECT coalesce(json_agg(row_id ORDER BY id), '[]') FROM quarantine q
                        WHERE q.batch_id = last.batch_id AND resolved_at IS NULL) AS quarantined,
                    (SELECT coalesce(json_agg(json_build_object(
                            'id', id, 'customer', customer, 'month', month, 'amount_cents', amount_cents,
                            'currency', currency, 'issued_at',
                            to_char(issued_at AT TIME ZONE INTERVAL '+01:00', 'YYYY-MM-DD"T"HH24:MI:SS"+01:00"')
                        ) ORDER BY id), '[]')
                        FROM invoices i WHERE i.batch_id = last.batch_id) AS rows
                FROM last ORDER BY batch_id
                """,
                since,
                DAYS_MAX,
            )
        return [
            {
                "batch_id": row["batch_id"],
                "outcome": row["outcome"],
                **json.loads(row["row_ids"]),
                "quarantined": json.loads(row["quarantined"]),
                "rows": json.loads(row["rows"]),
            }
            for row in rows
        ]
