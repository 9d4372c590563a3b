"""Batches that a runbook takes out are kept, whole, and nothing but them is taken out: by a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from harness.stack import postgres
from target.etl.schema import TABLES
from tests.runbook.played import EXEC, Night
from tests.target.running import Database, running_database

BILLING = (
    '{"findings": [{"kind": "above", "month": "2026-03", "customer": "one"}, {"kind": "missing", "month": "2026-03"}]}'
)
ROWS = {"2026-01-05": 160, "2026-02-10": 100, "2026-02-11": 100, "2026-03-01": 2000, "2026-03-02": 2000}
"""What customer one pays by day; customer two pays 70. One was invoiced 1.6 times the usual, long ago, and rightly."""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with running_database() as running:
        yield running


@pytest.fixture
def night(database: Database, tmp_path: Path) -> Night:
    """A database of those batches, and its psql."""
    _ask(
        database,
        f"DROP TABLE IF EXISTS taken_out_batches, taken_out_invoices, quarantine, invoices, batches, imports;{TABLES}",
    )
    for day, cents in ROWS.items():
        _load(database, day, cents)
    folder = postgres.binaries()
    assert folder is not None
    said = f"printf '200\\n%s\\n' '{BILLING}'\n"
    night = Night(tmp_path, f'PATH="{folder}/bin:$PATH"\n{EXEC}{said}', **_variables(database))
    return night


def _variables(database: Database) -> dict[str, str]:
    user, _, rest = database.url.removeprefix("postgresql://").partition(":")
    password, _, where = rest.partition("@")
    address, _, name = where.partition("/")
    host, _, port = address.partition(":")
    return {"PGUSER": user, "PGPASSWORD": password, "PGHOST": host, "PGPORT": port, "PGDATABASE": name}


def _ask(database: Database, statement: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(database.url)
        try:
            if statement.startswith("SELECT"):
                return [tuple(row) for row in await connection.fetch(statement)]
            await connection.execute(statement)
            return []
        finally:
            await connection.close()

    return asyncio.run(ask())


def _load(database: Database, day: str, cents: int) -> None:
    """A batch of that day, as etl loads it."""
    _ask(
        database,
        f"INSERT INTO imports (batch_id, outcome, announced) VALUES ('{day}', 'loaded', 2);"
        "INSERT INTO batches (batch_id, day, month, announced, sum_cents, quarantined, import_id) "
        f"SELECT '{day}', '{day}', '{day[:7]}', 2, {cents} + 70, 0, max(id) FROM imports;"
        "INSERT INTO invoices SELECT customer || '-' || batch_id, batch_id, customer, month, cents, 'EUR', day "
        f"FROM batches, (VALUES ('one', {cents}), ('two', 70)) AS of (customer, cents) WHERE batch_id = '{day}'",
    )


def _days(database: Database, table: str) -> list[str]:
    return [str(day) for (day,) in _ask(database, f"SELECT batch_id FROM {table} ORDER BY 1")]


def test_of_a_wrong_bill_the_customers_wrong_days_are_taken_out_and_all_of_their_rows_kept(
    night: Night, database: Database
) -> None:
    """The old large invoice stays; executed twice, nothing more goes and nothing that was kept is lost."""
    is_well, said = night.play("billing-anomaly", "days")
    assert is_well, said
    assert said.splitlines()[1:] == ["one|2026-03-01|150|2|2026-03-02|20.00"]
    for _ in range(2):
        is_well, said = night.play("billing-anomaly", "take-out")
        assert is_well, said
        assert _days(database, "batches") == ["2026-01-05", "2026-02-10", "2026-02-11"]
        assert _days(database, "taken_out_batches") == ["2026-03-01", "2026-03-02"]
        kept = _ask(database, "SELECT id, amount_cents FROM taken_out_invoices ORDER BY 1")
        assert kept == [
            ("one-2026-03-01", 2000),
            ("one-2026-03-02", 2000),
            ("two-2026-03-01", 70),
            ("two-2026-03-02", 70),
        ]
    assert night.play("billing-anomaly", "keep")[0]
    assert len((night.evidence / "taken-out-invoices.csv").read_text().splitlines()) == 5


def test_the_bill_is_right_when_the_same_invoices_came_again_with_less(night: Night, database: Database) -> None:
    """Not before all are there, and not where they are as they were; a large one that is right among them is no bar."""
    night.play("billing-anomaly", "days")
    night.play("billing-anomaly", "take-out")
    _load(database, "2026-03-01", 160)
    assert night.play("billing-anomaly", "amounts") == (False, "not all there\n")
    _load(database, "2026-03-02", 100)
    assert night.play("billing-anomaly", "amounts") == (True, "less\n")
    _ask(database, "UPDATE invoices SET amount_cents = 2000 WHERE customer = 'one'")
    assert night.play("billing-anomaly", "amounts") == (False, "not less\n")


def test_of_a_bad_file_the_good_rows_are_kept_too(night: Night, database: Database) -> None:
    """Executed twice, the batch that came again stays."""
    _ask(
        database,
        "INSERT INTO quarantine (import_id, batch_id, row_id, raw, reason) "
        "SELECT import_id, batch_id, 'x', '', 'currency' FROM batches WHERE batch_id = '2026-03-02'",
    )
    assert night.play("etl-bad-file", "take-out") == (True, "taken out|1|batches with|1|rows kept out\n")
    _load(database, "2026-03-02", 100)
    is_well, said = night.play("etl-bad-file", "take-out")
    assert is_well
    assert said.endswith("taken out|0|batches with|0|rows kept out\n")
    assert _days(database, "batches") == list(ROWS)
    assert _ask(database, "SELECT id FROM taken_out_invoices ORDER BY 1") == [("one-2026-03-02",), ("two-2026-03-02",)]
