"""Kinds of damage to backups, each done to a copy: what a verifier of backups must be able to see."""

from __future__ import annotations

from harness.backup.mutants import files, invariants, pages, rows, schema, versions, wal
from harness.backup.mutants.mutant import DoesNotFit, Mutant
from harness.errors import MutationError, one_of

NOOP = rows.NOOP
MUTANTS: tuple[Mutant, ...] = (
    *files.MUTANTS,
    *versions.MUTANTS,
    *wal.MUTANTS,
    *rows.MUTANTS,
    *invariants.MUTANTS,
    *schema.MUTANTS,
    *pages.MUTANTS,
)


def find(name: str) -> Mutant:
    """The mutant of that name. Raises MutationError that says which there are."""
    known = {one.name: one for one in (*MUTANTS, NOOP)}
    if name not in known:
        raise MutationError(one_of("mutant", name, known))
    return known[name]


__all__ = ["MUTANTS", "NOOP", "DoesNotFit", "Mutant", "find"]
