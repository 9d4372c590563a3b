"""A stack that runs, as a run meets it: its links, its services, its heal. Whoever started it."""

from __future__ import annotations

from harness.errors import StartError, ToxiproxyError, one_of
from harness.record import HealReport
from harness.stack.hands import ProcessHands
from harness.stack.heal import heal, left_over, take_down
from harness.stack.hold import Hold
from harness.stack.link import ProxyLink
from harness.stack.process_powers import ProcessPowers
from harness.stack.service import BreakableService, Powers
from harness.stack.state import RunningService, StackState
from harness.stack.toxiproxy import ToxiproxyClient
from harness.tap.client import TapClient


class RunningStack:
    """Implements world.Stack over a StackState."""

    def __init__(self, state: StackState, hold: Hold | None = None) -> None:
        self.state = state
        self.backups = ""
        self._hold = hold
        client = ToxiproxyClient(state.toxiproxy_url) if state.links else None
        tap = TapClient(state.tap) if state.tap else None
        self._links = {
            link.name: ProxyLink(link.name, client, tap if link.behind_tap else None) for link in state.links if client
        }
        self._logs = {one.name: one.log for one in state.services}
        self._services = {
            one.name: BreakableService(one.name, powers, state.ending_note(one.name))
            for one in state.services
            if (powers := _powers(one, state))
        }

    def link(self, name: str) -> ProxyLink:
        if name not in self._links:
            raise ToxiproxyError(one_of("link", name, self._links, where="the stack"))
        return self._links[name]

    def links_to(self, service: str) -> list[ProxyLink]:
        return [self._links[one.name] for one in self.state.links if one.service == service and one.name in self._links]

    def service(self, name: str) -> BreakableService:
        if name not in self._services:
            raise StartError(one_of("service", name, self._services, where="the stack"))
        return self._services[name]

    def enter(self, window: str) -> None:
        """What is injected from now on belongs to that window: attempts keep its name."""
        for link in self._links.values():
            link.window = window

    @property
    def is_ours(self) -> bool:
        """Its services were started with it, and end with it."""
        owned = {process.pid for process in self.state.owned}
        return bool(self.state.project) or any(one.pid in owned for one in self.state.services)

    def dead(self) -> tuple[str, str] | None:
        """(name, log) of a service that lived when we came and has ended since, not by our doing, if there is one."""
        return next(((name, self._logs[name]) for name, one in self._services.items() if one.died()), None)

    def fallen(self) -> list[str]:
        """Services that ended under a fault that was not meant to end them, each told once."""
        return [name for name, one in self._services.items() if one.fell()]

    def heal(self) -> HealReport:
        self.let_go()
        return heal(self.state)

    def let_go(self) -> None:
        """Nothing of ours goes on acting on it; what was broken stays so."""
        for one in self._services.values():
            one.let_go()

    def down(self) -> tuple[str, ...]:
        """End all that was started with it, last first; what is left, with what ends it, where something is."""
        left = take_down(self.state)
        if self._hold is not None:
            self._hold.release()
        return (left_over(left),) if left else ()


def _powers(service: RunningService, state: StackState) -> Powers | None:
    if service.container is not None:
        from harness.stack.docker.powers import ContainerPowers  # the Docker SDK, where there is a container

        return ContainerPowers(service, state.may_end(service.name))
    if service.process is not None:
        return ProcessPowers(service, service.process, lambda: ProcessHands(state))
    return None
