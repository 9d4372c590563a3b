"""Connections break: each ends with a TCP reset."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.bounds import positive
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Reset:
    """Ends every connection `after_ms` after data first comes back on it.

    New connections see a reset. Those that stand when it goes in see an orderly end instead (Toxiproxy can ask for a
    reset only of connections that it opens from then on).
    """

    link: str
    _: KW_ONLY
    after_ms: int = 0
    cuts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("after_ms", self.after_ms, zero_allowed=True)

    def inject(self, stack: Stack) -> Heal:
        return stack.link(self.link).add_toxic("reset_peer", {"timeout": round(self.after_ms)})
