"""Loads a batch in one transaction: all that readers are to see of it, or nothing; and keeps account of each row."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from target.database import Database
from target.etl.batch import Batch, Quarantined, as_text
from target.etl.records import BadFile, Header
from target.etl.rules import Invoice


@dataclass(slots=True)
class Account:
    """What became of the rows of a batch, by their ids: in = loaded + quarantined + rejected + deduplicated."""

    announced: Header
    loaded: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    deduplicated: list[str] = field(default_factory=list)
    sum_loaded: int = 0
    sum_deduplicated: int = 0

    def row_ids(self) -> dict[str, list[str]]:
        return {name: getattr(self, name) for name in ("loaded", "quarantined", "rejected", "deduplicated")}

    def sums(self) -> dict[str, int]:
        """In cents. What is quarantined is worth what the announced sum has above the rest."""
        rest = self.announced.sum_cents - self.sum_loaded - self.sum_deduplicated
        return {
            "announced": self.announced.sum_cents,
            "loaded": self.sum_loaded,
            "deduplicated": self.sum_deduplicated,
            "quarantined": 0 if self.rejected else rest,
            "rejected": rest if self.rejected else 0,
        }


class Loader:
    def __init__(self, database: Database, weakness: frozenset[str]) -> None:
        self._database, self._weakness = database, weakness

    async def reject(self, asked: Header, error: BadFile) -> int:
        """Write down that nothing of a file was loaded, and why; the import's id."""
        account = Account(asked, rejected=error.rows)
        async with self._database.connection() as connection:
            return await _import(connection, account, "rejected", error.reason)

    async def load(self, batch: Batch) -> tuple[int, Account]:
        """(the import's id, what became of each row). A row that is there already changes nothing."""
        account = Account(batch.header, deduplicated=list(batch.repeated))
        async with self._database.connection() as connection, self._transaction(connection):
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", batch.header.batch_id)
            there = await self._there(connection, batch)
            fresh: list[Invoice] = []
            kept_out = list(batch.quarantined)
            for one in batch.invoices:
                known = there.get(one.id)
                if known is None:
                    fresh.append(one)
                    account.loaded.append(one.id)
                    account.sum_loaded += one.amount_cents
                elif known == one:
                    account.deduplicated.append(one.id)
                    account.sum_deduplicated += one.amount_cents
                else:
                    raw = as_text([one.id, one.customer, one.amount_cents, str(one.issued_at)])
                    kept_out.append(Quarantined(one.id, raw, "conflict: it is there with other content"))
            if "etl-drops-rows" in self._weakness:
                kept_out = []  # planted weakness: what cannot be loaded is left out, and nobody is told
            account.quarantined = [one.row for one in kept_out]
            import_id = await _import(connection, account, "loaded", "")
            await self._batch(connection, batch.header, len(kept_out), import_id)
            await self._invoices(connection, batch.header.batch_id, fresh, import_id)
            await self._quarantine(connection, batch.header.batch_id, kept_out, import_id)
        return import_id, account

    def _transaction(self, connection: Any) -> AbstractAsyncContextManager[Any]:
        # planted weakness: readers see a batch grow, and a crash leaves half of it
        return nullcontext() if "etl-partial-commit" in self._weakness else connection.transaction()

    async def _there(self, connection: Any, batch: Batch) -> dict[str, Invoice]:
        if "etl-double-loads" in self._weakness:
            return {}  # planted weakness: what is there already is loaded once more
        rows = await connection.fetch(
            "SELECT id, customer, month, amount_cents, currency, issued_at FROM invoices WHERE id = ANY($1::text[])",
            [one.id for one in batch.invoices],
        )
        return {row["id"]: Invoice(**row) for row in rows}

    async def _batch(self, connection: Any, header: Header, quarantined: int, import_id: int) -> None:
        await connection.execute(
            """
            INSERT INTO batches (batch_id, day, month, announced, sum_cents, quarantined, import_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (batch_id) DO UPDATE SET quarantined = $6, import_id = $7, loaded_at = now(),
                imports = batches.imports + 1
            """,
            header.batch_id,
            header.day,
            header.month,
            header.rows,
            header.sum_cents,
            quarantined,
            import_id,
        )

    async def _invoices(self, connection: Any, batch_id: str, fresh: list[Invoice], import_id: int) -> None:
        """One statement; with the planted weaknesses each row by itself, under a new id where its own is taken."""
        insert = """
            INSERT INTO invoices (id, batch_id, customer, month, amount_cents, currency, issued_at)
            SELECT id, $1, customer, month, amount_cents, currency, issued_at
            FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[])
                AS row (id, customer, month, amount_cents, currency, issued_at)
            """
        together = len(fresh) or 1
        if "etl-double-loads" in self._weakness:
            insert = insert.replace(
                "SELECT id,",
                f"SELECT id || (CASE WHEN id IN (SELECT id FROM invoices) THEN '#{import_id}' ELSE '' END),",
            )
        if "etl-partial-commit" in self._weakness:
            together = 1
        for first in range(0, len(fresh), together):
            some = fresh[first : first + together]
            columns = zip(
                *((one.id, one.customer, one.month, one.amount_cents, one.currency, one.issued_at) for one in some),
                strict=True,
            )
            await connection.execute(insert, batch_id, *map(list, columns))

    async def _quarantine(self, connection: Any, batch_id: str, kept_out: list[Quarantined], import_id: int) -> None:
        """Those of this import, in the place of those of earlier ones."""
        await connection.execute(
            "UPDATE quarantine SET resolved_at = now() WHERE batch_id = $1 AND resolved_at IS NULL", batch_id
        )
        await connection.executemany(
            "INSERT INTO quarantine (import_id, batch_id, row_id, raw, reason) VALUES ($1, $2, $3, $4, $5)",
            [(import_id, batch_id, one.row, one.raw, one.reason) for one in kept_out],
        )


async def _import(connection: Any, account: Account, outcome: str, reason: str) -> int:
    found: int = await connection.fetchval(
        "INSERT INTO imports (batch_id, outcome, reason, announced, row_ids, sums) "
        "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        account.announced.batch_id,
        outcome,
        reason,
        account.announced.rows,
        json.dumps(account.row_ids()),
        json.dumps(account.sums()),
    )
    return found
