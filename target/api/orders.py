"""The shop's data in PostgreSQL: every statement short, every wait bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg

from target.api.schema import BIGINT_MAX
from target.database import Database
from target.settings import Settings


class OutOfStock(Exception):
    """There is no such product, or not enough of it."""


class OtherBasket(Exception):
    """The key belongs to an order of something else."""


@dataclass(frozen=True, slots=True)
class Order:
    id: int
    status: str
    customer: str
    product_id: int
    quantity: int
    amount_cents: int


COLUMNS = "id, status, customer, product_id, quantity, amount_cents"


class Orders:
    """Catalogue, stock and orders. What an order owes is in the outbox from its first statement to its last."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings

    async def catalogue(self) -> list[dict[str, Any]]:
        """All products with what is in stock of each."""
        async with self._database.connection() as connection:
            if "n-plus-one" in self._settings.weakness:
                # planted weakness: a query for the list, and one more for each of its products
                products = await connection.fetch("SELECT id, name, price_cents FROM products ORDER BY id")
                query = "SELECT available FROM stock WHERE product_id = $1"
                return [{**row, "available": await connection.fetchval(query, row["id"])} for row in products]
            rows = await connection.fetch(
                "SELECT p.id, p.name, p.price_cents, s.available FROM products p "
                "JOIN stock s ON s.product_id = p.id ORDER BY p.id"
            )
            return [dict(row) for row in rows]

    async def place(self, key: str, customer: str, product_id: int, quantity: int) -> Order:
        """Reserve stock and write the order, in one statement. The same key gives the same order again.

        Raises OutOfStock, and OtherBasket where the key is another order's.
        """
        async with self._database.connection() as connection:
            row = await self._reserve(connection, key, customer, product_id, quantity)
            if row is None:
                row = await connection.fetchrow(f"SELECT {COLUMNS} FROM orders WHERE idempotency_key = $1", key)
        if row is None:
            raise OutOfStock(f"not {quantity} of product {product_id} in stock")
        order = Order(**row)
        if (order.customer, order.product_id, order.quantity) != (customer, product_id, quantity):
            raise OtherBasket("this Idempotency-Key was used for another basket; a new basket needs a new key")
        return order

    async def _reserve(self, connection: Any, key: str, customer: str, product_id: int, quantity: int) -> Any:
        """The new order, or None where there is no stock or an order of that key.

        The order comes before the stock, here as in `failed`, so that no two of them wait for each other.
        """
        try:
            return await connection.fetchrow(
                f"""
                WITH placed AS (
                    INSERT INTO orders (idempotency_key, customer, product_id, quantity, amount_cents, status)
                    SELECT $1, $2, p.id, $4, p.price_cents * $4, 'pending'
                    FROM products p JOIN stock s ON s.product_id = p.id
                    WHERE p.id = $3 AND s.available >= $4
                      AND NOT EXISTS (SELECT 1 FROM orders WHERE idempotency_key = $1)
                    ON CONFLICT (idempotency_key) DO NOTHING
                    RETURNING {COLUMNS}
                ), reserved AS (
                    UPDATE stock SET available = available - placed.quantity
                    FROM placed WHERE stock.product_id = placed.product_id
                ), owed AS (
                    INSERT INTO outbox (order_id, amount_cents, due_at)
                    SELECT id, amount_cents, now() + make_interval(secs => $5) FROM placed
                )
                SELECT {COLUMNS} FROM placed
                """,
                key,
                customer,
                product_id,
                quantity,
                self._settings.outbox_lease_s,
            )
        except asyncpg.CheckViolationError:  # the last of it went to somebody else at the same moment
            return None

    async def accepted(self, order_id: int, due_in_s: float) -> None:
        """Leave the charge to the outbox, from then on."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                WITH accepted AS (
                    UPDATE orders SET status = 'accepted' WHERE id = $1 AND status = 'pending' RETURNING id
                )
                UPDATE outbox SET accepted_at = now(), due_at = now() + make_interval(secs => $2)
                FROM accepted WHERE order_id = accepted.id
                """,
                order_id,
                due_in_s,
            )

    async def paid(self, order_id: int, charge_id: str) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                """
                WITH paid AS (
                    UPDATE orders SET status = 'paid', charge_id = $2
                    WHERE id = $1 AND status IN ('pending', 'accepted') RETURNING id
                )
                DELETE FROM outbox USING paid WHERE order_id = paid.id
                """,
                order_id,
                charge_id,
            )

    async def failed(self, order_id: int) -> None:
        """Give the order up and its stock back, in one statement; once, however many ask for it."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                WITH failed AS (
                    UPDATE orders SET status = 'failed' WHERE id = $1 AND status IN ('pending', 'accepted')
                    RETURNING id, product_id, quantity
                ), settled AS (
                    DELETE FROM outbox USING failed WHERE order_id = failed.id
                )
                UPDATE stock SET available = available + failed.quantity
                FROM failed WHERE stock.product_id = failed.product_id
                """,
                order_id,
            )

    async def keys(self, prefix: str, after: str, limit: int) -> dict[str, int]:
        """How many orders there are of each key that begins so, in the order of the keys, of those after one."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT idempotency_key AS key, count(*) AS orders FROM orders "
                "WHERE starts_with(idempotency_key, $1) AND idempotency_key > $2 GROUP BY 1 ORDER BY 1 LIMIT $3",
                prefix,
                after,
                limit,
            )
        return {row["key"]: row["orders"] for row in rows}

    async def find(self, order_id: int) -> Order | None:
        if not 1 <= order_id <= BIGINT_MAX:
            return None
        async with self._database.connection() as connection:
            row = await connection.fetchrow(f"SELECT {COLUMNS} FROM orders WHERE id = $1", order_id)
        return Order(**row) if row else None
