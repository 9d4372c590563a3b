"""Names cannot be looked up: what connects anew fails, what is connected goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class DnsFailure:
    """Points the service to a name server that does not exist."""

    service: str
    needs: ClassVar[str] = "dns"
    cuts: ClassVar[bool] = False

    def inject(self, stack: Stack) -> Heal:
        return stack.service(self.service).break_dns()
