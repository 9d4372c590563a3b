"""Damage that the business alone can tell: rows that were wrong at the source, in facts that agree with them."""

from __future__ import annotations

from random import Random

from harness.backup.mutants.mutant import Database, DoesNotFit, Mutant, SqlRefused
from harness.backup.mutants.rows import QUIET, numbers

TRIES = 40


def break_one(database: Database, random: Random) -> str:
    """Change one number until one of these queries answers otherwise. Raises DoesNotFit where none does."""
    for table, column, row in numbers(database, random, TRIES):
        change = f"{QUIET} UPDATE ONLY {table} SET {column} = {column} + 1 WHERE ctid = '{row}'"
        for rule in database.rules:
            query = rule.rstrip().rstrip(";")
            try:
                before = database.sql(query)
                after = database.sql(f"BEGIN; {change}; {query}; ROLLBACK")
            except SqlRefused:
                continue
            if before != after:
                database.sql(change)
                return f"{table}.{column}: one value is 1 more, which breaks a rule"
    raise DoesNotFit("the manifest has no rule that a changed number breaks")


MUTANTS = (
    Mutant(
        "invariant-broken",
        "A number was wrong at the source, and the manifest's facts are of that: a rule of the business is broken.",
        on_content=break_one,
        at_birth=True,
        facts_agree=True,
    ),
)
