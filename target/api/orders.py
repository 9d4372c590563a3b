"""The shop's data in PostgreSQL: every statement short, every wait bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from target.api.log import in_one_line, quiet_the_pool
from target.api.schema import BIGINT_MAX
from target.settings import Settings

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)
"""What the driver raises when the database is away, full or too slow."""


class DatabaseUnavailable(Exception):
    """The database did not answer in its time."""


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
    """Catalogue, stock and orders, through one pool of connections."""

    def __init__(self, pool: asyncpg.Pool, settings: Settings) -> None:
        self._pool, self._settings = pool, settings

    @classmethod
    async def connect(cls, settings: Settings) -> Orders:
        """Raises what the driver raised last when the time to start is over: a busy machine may need some tries."""
        quiet_the_pool()
        deadline = time.monotonic() + settings.database_startup_s
        while True:
            try:
                return cls(await cls._pool_of(settings), settings)
            except UNREACHABLE:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    @staticmethod
    async def _pool_of(settings: Settings) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            settings.database_url,
            min_size=settings.pool_size,
            max_size=settings.pool_size,
            timeout=settings.database_connect_s,
            command_timeout=settings.database_statement_s,
            server_settings={
                "application_name": "api",
                "statement_timeout": str(round(settings.database_statement_s * 1000)),
            },
        )

    async def close(self) -> None:
        self._pool.terminate()

    @property
    def connections(self) -> tuple[int, int]:
        """(open, in use)."""
        size = self._pool.get_size()
        return size, size - self._pool.get_idle_size()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with self._pool.acquire(timeout=self._settings.database_acquire_s) as connection:
                yield connection
        except UNREACHABLE as error:
            raise DatabaseUnavailable(in_one_line(error)) from error

    async def ping(self) -> None:
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    async def catalogue(self) -> list[dict[str, Any]]:
        """All products with what is in stock of each."""
        async with self._connection() as connection:
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
        async with self._connection() as connection:
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
                )
                SELECT {COLUMNS} FROM placed
                """,
                key,
                customer,
                product_id,
                quantity,
            )
        except asyncpg.CheckViolationError:  # the last of it went to somebody else at the same moment
            return None

    async def paid(self, order_id: int, charge_id: str) -> None:
        async with self._connection() as connection:
            await connection.execute(
                "UPDATE orders SET status = 'paid', charge_id = $2 WHERE id = $1 AND status = 'pending'",
                order_id,
                charge_id,
            )

    async def failed(self, order_id: int) -> None:
        """Give the order up and its stock back, in one statement; once, however many ask for it."""
        async with self._connection() as connection:
            await connection.execute(
                """
                WITH failed AS (
                    UPDATE orders SET status = 'failed' WHERE id = $1 AND status = 'pending'
                    RETURNING product_id, quantity
                )
                UPDATE stock SET available = available + failed.quantity
                FROM failed WHERE stock.product_id = failed.product_id
                """,
                order_id,
            )

    async def find(self, order_id: int) -> Order | None:
        if not 1 <= order_id <= BIGINT_MAX:
            return None
        async with self._connection() as connection:
            row = await connection.fetchrow(f"SELECT {COLUMNS} FROM orders WHERE id = $1", order_id)
        return Order(**row) if row else None
