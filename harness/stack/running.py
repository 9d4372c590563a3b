"""A stack that runs, as a run meets it: its links, its services, its heal. Whoever started it."""

from __future__ import annotations

from harness.errors import StartError, ToxiproxyError, one_of
from harness.record import HealReport
from harness.stack.heal import heal, take_down
from harness.stack.hold import Hold
from harness.stack.link import ProxyLink
from harness.stack.state import RunningService, StackState
from harness.stack.toxiproxy import ToxiproxyClient


class RunningStack:
    """Implements model.Stack over a StackState."""

    def __init__(self, state: StackState, hold: Hold | None = None) -> None:
        self.state = state
        self._hold = hold
        client = ToxiproxyClient(state.toxiproxy_url) if state.links else None
        self._links = {link.name: ProxyLink(link.name, client) for link in state.links if client}
        self._services = {one.name: one for one in state.services}
        self._lived = [(one, one.process) for one in state.services if one.process and one.process.alive()]

    def link(self, name: str) -> ProxyLink:
        if name not in self._links:
            raise ToxiproxyError(one_of("link", name, self._links, where="the stack"))
        return self._links[name]

    def service(self, name: str) -> RunningService:
        if name not in self._services:
            raise StartError(one_of("service", name, self._services, where="the stack"))
        return self._services[name]

    @property
    def is_ours(self) -> bool:
        """Its services were started with it, and end with it."""
        owned = {process.pid for process in self.state.owned}
        return any(one.pid in owned for one in self.state.services)

    def dead(self) -> RunningService | None:
        """A service that lived when we came and whose process has ended since, if there is one."""
        return next((one for one, process in self._lived if not process.alive()), None)

    def heal(self) -> HealReport:
        return heal(self.state)

    def down(self) -> None:
        """End all that was started with it, last first. Raises StartError when something is left."""
        left = take_down(self.state)
        if self._hold is not None:
            self._hold.release()
        if left:
            raise StartError(f"could not take down {', '.join(left)}; end it by hand")
