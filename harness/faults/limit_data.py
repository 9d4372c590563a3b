"""Answers are cut short: a connection ends after so many bytes."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class LimitData:
    """Ends each connection when the service has sent `limit_bytes` over it. Standing connections count from now."""

    link: str
    _: KW_ONLY
    limit_bytes: int
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("limit_bytes", self.limit_bytes)

    def inject(self, stack: Stack) -> Heal:
        return stack.link(self.link).add_toxic("limit_data", {"bytes": round(self.limit_bytes)})
