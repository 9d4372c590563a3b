"""A service that fails now and then: a share of its requests, whatever the connection."""

from __future__ import annotations

from dataclasses import dataclass

from harness.bounds import ratio, whole
from harness.faults.tap_rule import AnsweringRule


@dataclass(frozen=True, slots=True, kw_only=True)
class FailRatio(AnsweringRule):
    """Answers a share of the requests with `code`, and lets the others pass.

    Which of them, by their number while the fault is in, follows from `seed`.
    """

    kind = "fail_ratio"
    ratio: float
    seed: int = 0

    def __post_init__(self) -> None:
        AnsweringRule.__post_init__(self)
        ratio("ratio", self.ratio)
        whole("seed", self.seed, zero_allowed=True)
