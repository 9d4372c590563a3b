"""Answers that break off in the middle, after a head that promised more."""

from __future__ import annotations

from dataclasses import dataclass

from harness.bounds import whole
from harness.faults.tap_rule import TapRule
from harness.http_bounds import ending


@dataclass(frozen=True, slots=True, kw_only=True)
class CutBody(TapRule):
    """Ends the connection after `after_bytes` of the answer's body, by `end`: RST or FIN. A shorter body is whole."""

    kind = "cut_body"
    after_bytes: int
    end: str = "RST"

    def __post_init__(self) -> None:
        TapRule.__post_init__(self)
        whole("after_bytes", self.after_bytes, zero_allowed=True)
        ending(self.end)
