"""Charges that are still owed, kept in the database: what a request could not do is done later, however often we die.

An order is in the outbox from the statement that places it until it is paid or has failed. While its request charges,
the row is not due; should the request never end, the row becomes due by itself.
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass

from target.api.breaker import BreakerOpen, State
from target.api.orders import Orders
from target.api.payments import Payments
from target.database import Database, DatabaseUnavailable
from target.retry import Refused, Unavailable
from target.settings import Settings

AT_ONCE = 8
BACKOFF_BASE_S, BACKOFF_CAP_S = 0.5, 5.0
log = logging.getLogger("shop")


def key_of(order_id: int) -> str:
    """The provider's Idempotency-Key of an order's charge: the same in each attempt, whoever makes it."""
    return f"order-{order_id}"


@dataclass(frozen=True, slots=True)
class Owed:
    order_id: int
    amount_cents: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many accepted orders wait for their charge, and the oldest of them for how long."""

    count: int = 0
    oldest_s: float = 0.0


class Outbox:
    """The table."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._lease_s = database, settings.outbox_lease_s

    async def take(self, limit: int) -> list[Owed]:
        """What is due, for whoever takes it alone; due again when they do not come back for it in their time."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                UPDATE outbox SET attempts = attempts + 1, accepted_at = coalesce(accepted_at, now()),
                    due_at = now() + make_interval(secs => $2)
                WHERE order_id IN (
                    SELECT order_id FROM outbox WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
                )
                RETURNING order_id, amount_cents, attempts
                """,
                limit,
                self._lease_s,
            )
        return [Owed(**row) for row in rows]

    async def later(self, order_id: int, due_in_s: float) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE outbox SET due_at = now() + make_interval(secs => $2) WHERE order_id = $1", order_id, due_in_s
            )

    async def depth(self) -> Depth:
        """Told by the orders: one that the outbox has lost waits, too. What its own request still charges does not."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                """
                SELECT count(*), coalesce(extract(epoch FROM now() - min(accepted_at)), 0)::float AS oldest_s
                FROM orders LEFT JOIN outbox ON order_id = id
                WHERE status IN ('pending', 'accepted') AND (order_id IS NULL OR accepted_at IS NOT NULL)
                """
            )
        return Depth(row["count"], row["oldest_s"])


class Drainer:
    """Charges what the outbox owes, a few at once, each later and later while the provider does not answer."""

    def __init__(self, outbox: Outbox, orders: Orders, payments: Payments, settings: Settings) -> None:
        self._outbox, self._orders, self._payments = outbox, orders, payments
        self._every_s = settings.outbox_every_s
        self.depth = Depth()

    async def run(self) -> None:
        """Until it is cancelled. A database that is away is waited for: the requests already tell of it."""
        while True:
            took = 0
            try:
                took = await self.drain()
                self.depth = await self._outbox.depth()
            except DatabaseUnavailable:
                pass
            except Exception:  # whatever it is, the next turn may do better, and no order is forgotten
                log.exception("the outbox was not drained")
            if took < AT_ONCE:
                await asyncio.sleep(self._every_s)

    async def drain(self) -> int:
        """One turn: nothing while the breaker is open, one as its probe, else a few at once; how many it took."""
        breaker = self._payments.breaker
        if not breaker.lets_through:
            return 0
        owed = await self._outbox.take(AT_ONCE if breaker.state is State.CLOSED else 1)
        for done in await asyncio.gather(*map(self._charge, owed), return_exceptions=True):
            if isinstance(done, BaseException):
                raise done
        return len(owed)

    async def _charge(self, owed: Owed) -> None:
        try:
            charge_id = await self._payments.attempt(key_of(owed.order_id), owed.amount_cents)
        except Refused as error:
            log.warning("order %d: the charge was refused (%s)", owed.order_id, error)
            await self._orders.failed(owed.order_id)
        except BreakerOpen:
            await self._outbox.later(owed.order_id, self._every_s)
        except Unavailable as error:
            await self._outbox.later(owed.order_id, max(backoff_s(owed.attempts), error.after_s or 0))
        else:
            await self._orders.paid(owed.order_id, charge_id)


def backoff_s(attempts: int) -> float:
    """Twice as long at most after each attempt, anywhere below that: what failed together comes back apart."""
    return random.uniform(0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(attempts - 1, 10)))
