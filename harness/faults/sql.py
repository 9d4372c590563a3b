"""A statement that should not have been run on the database."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Sql:
    """Runs a `statement` on a PostgreSQL service as its superuser. With `hold` its transaction stays open, with all of
    its locks, until the server ends the session; else it is done at once.

    For drills only: what takes it back is a runbook.
    """

    service: str
    statement: str
    _: KW_ONLY
    hold: bool = False
    needs: ClassVar[str] = "sql"
    cuts: ClassVar[bool] = False
    only_in_drills: ClassVar[str] = "changes the database, and nothing in a scenario changes it back"

    def __post_init__(self) -> None:
        if not isinstance(self.statement, str) or not self.statement.strip():
            raise ValueError("statement is empty; give SQL, as in 'LOCK TABLE orders IN ACCESS EXCLUSIVE MODE'")

    def inject(self, stack: Stack) -> Heal:
        stack.service(self.service).run_sql(self.statement, self.hold)
        return lambda: None
