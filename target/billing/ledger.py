"""The bills as the database has them, and what was found wrong with them last."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from target.billing.rules import Bill, Bills, Finding, judge, month_before
from target.database import Database

log = logging.getLogger("billing")


class Ledger:
    def __init__(self, database: Database, weakness: frozenset[str]) -> None:
        self._database, self._weakness = database, weakness
        self.findings: list[Finding] = []

    async def judge(self, today: date) -> None:
        """Look at the month that goes on and at the one before."""
        this = f"{today:%Y-%m}"
        months = [month_before(month_before(this)), month_before(this), this]
        days, bills = await self._read(months)
        found = judge(today, days, bills, self._weakness)
        for one in found:
            if one not in self.findings:
                log.warning("billing %s: %s %s: %s", one.month, one.kind, one.customer or "all customers", one.said)
        self.findings = found

    async def totals(self, month: str) -> dict[str, Any]:
        """The bills of a month, and through which of its days."""
        days, bills = await self._read([month])
        return {
            "month": month,
            "days": len(days),
            "through": str(max(days)) if days else None,
            "customers": {
                customer: {"bought_cents": bill.bought_cents, "net_cents": bill.net_cents}
                for customer, bill in sorted(bills.get(month, {}).items())
            },
        }

    async def _read(self, months: list[str]) -> tuple[set[date], Bills]:
        """By one statement: the days are those of the rows."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT b.day, b.month, i.customer, sum(i.amount_cents)::bigint AS net,
                    coalesce(sum(i.amount_cents) FILTER (WHERE i.amount_cents > 0), 0)::bigint AS bought
                FROM batches b LEFT JOIN invoices i USING (batch_id) WHERE b.month = ANY($1::text[])
                GROUP BY b.day, b.month, i.customer
                """,
                months,
            )
        bills: dict[str, dict[str, Bill]] = {}
        for row in rows:
            if row["customer"] is not None:
                of_month = bills.setdefault(row["month"], {})
                so_far = of_month.get(row["customer"], Bill(0, 0))
                of_month[row["customer"]] = Bill(so_far.bought_cents + row["bought"], so_far.net_cents + row["net"])
        return {row["day"] for row in rows}, bills
