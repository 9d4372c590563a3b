"""The first tries fail and a later one succeeds: what retries are for."""

from __future__ import annotations

from dataclasses import dataclass

from harness.bounds import whole
from harness.faults.tap_rule import AnsweringRule


@dataclass(frozen=True, slots=True, kw_only=True)
class FailFirst(AnsweringRule):
    """Answers the first `first` attempts of each Idempotency-Key with `code`, and lets the others pass.

    Where a request has no key, those of its method and path are counted: `/orders/7` and `/orders/8` each.
    """

    kind = "fail_first"
    first: int

    def __post_init__(self) -> None:
        AnsweringRule.__post_init__(self)
        whole("first", self.first)
