"""A crash: the service ends in the middle of whatever it does."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from harness.faults.healing import all_of
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL to every process of the service, at the start of the window.

    Back by the stack's own restart policy where it has one, else started again at the end of the window.

    With `cut_links` its clients meet what they would meet without Toxiproxy, a process that has ended: they are refused
    at once, since the links to it are closed until it was started again. Through Toxiproxy alone they wait, as it dials
    a name that nobody bears any more for seconds, one client after another, and goes on so when the service is back.
    Not for windows that overlap on one service: a proxy that dials already cannot be closed.
    """

    service: str
    _: KW_ONLY
    cut_links: bool = False
    needs: ClassVar[str] = "kill"
    cuts: ClassVar[bool] = True

    def inject(self, stack: Stack) -> Heal:
        links = stack.links_to(self.service) if self.cut_links else ()
        return all_of(*(link.cut for link in links), stack.service(self.service).kill)
