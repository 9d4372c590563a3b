"""Answers that begin at once and trickle: a timeout between two pieces of data never ends them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.bounds import positive
from harness.faults.tap_rule import TapRule


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowBody(TapRule):
    """Passes the answer's body on at `bytes_per_s`; the rest of it at once when it is healed."""

    kind = "slow_body"
    bytes_per_s: float

    def __post_init__(self) -> None:
        TapRule.__post_init__(self)
        positive("bytes_per_s", self.bytes_per_s)
