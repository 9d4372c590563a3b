"""The stack of a drill, as its disaster and its runbook meet it: nobody of ours heals it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError
from harness.model import Fault, ServiceFault
from harness.record import HealReport
from harness.stack.running import RunningStack
from harness.world import Heal

ENDS_IT = ("kill", "data", "stop")
"""The powers of faults that end a service."""


class DrilledStack(RunningStack):
    """What ends in it once it is struck, and what starts, is the drill's matter."""

    def __init__(self, stack: RunningStack, backups: Path) -> None:
        """`backups` are the drill's own: they go with the stack."""
        super().__init__(replace(stack.state, folders=(*stack.state.folders, str(backups))))
        self.backups = str(backups)
        self._is_struck = False
        self._closed: dict[str, list[Heal]] = {}

    @contextlib.contextmanager
    def struck(self, disaster: Sequence[Fault]) -> Iterator[None]:
        """The disaster goes in meanwhile.

        In containers, the links to a service that ends are closed until it runs again, so that its clients meet what
        they would meet without Toxiproxy: a name that nobody bears any more is dialled for seconds, one client after
        another, long after the service is back.
        """
        self._is_struck = True
        ends = [one.service for one in disaster if isinstance(one, ServiceFault) and one.needs in ENDS_IT]
        closed = {}
        if self.state.kind == "docker":
            closed = {name: [link.cut() for link in self.links_to(name)] for name in dict.fromkeys(ends)}
        yield
        self._closed = closed

    def dead(self) -> tuple[str, str] | None:
        """None once it is struck. It is asked some times a second: links are opened then to what runs again."""
        if not self._is_struck:
            return super().dead()
        for name in list(self._closed):
            with contextlib.suppress(HarnessError):  # asked again in a moment
                if self.service(name).lives():
                    for open_again in self._closed.pop(name):
                        open_again()
        return None

    def fallen(self) -> list[str]:
        return [] if self._is_struck else super().fallen()

    def heal(self) -> HealReport:
        self.let_go()
        return HealReport()
