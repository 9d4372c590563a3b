"""Bad data: the service answers, and what it says is wrong in ways that feeds are wrong."""

from __future__ import annotations

from dataclasses import dataclass

from harness.baddata.mutation import Mutation
from harness.faults.tap_rule import TapRule


@dataclass(frozen=True, slots=True, kw_only=True)
class BadData(TapRule):
    """Damages `rows` (or a `ratio`) of the rows in each answer of 2xx, JSON or CSV, as `mutation` says.

    Which rows follows from `seed` and their ids, so that a request that is tried again meets the same. `field` is the
    first that can be so damaged, and `id_field` the rows' `id`, `row_id` or `*_id`, unless they are said.
    """

    kind = "mutate"
    mutation: str
    rows: int = 0
    ratio: float = 0.0
    field: str = ""
    id_field: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        TapRule.__post_init__(self)
        Mutation(
            kind=self.mutation,
            rows=self.rows,
            ratio=self.ratio,
            field=self.field,
            id_field=self.id_field,
            seed=self.seed,
        )
