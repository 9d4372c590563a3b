"""Whether anything goes round Toxiproxy: connections of a link's client that lead to the service itself."""

from __future__ import annotations

import contextlib
import functools
import time

from docker.errors import NotFound

from harness.stack.docker.connections import Member, direct, member
from harness.stack.docker.engine import Engine
from harness.stack.proc_net import rows
from harness.stack.state import StackState

LOOK_AGAIN_S = 5.0


class Bypass:
    """Looks at the links of a stack; containers may be started anew in the run, with other addresses."""

    def __init__(self, state: StackState) -> None:
        self._state = state
        self._engine = Engine.connect()
        self._members: tuple[Member, ...] = ()
        self._looked_at = float("-inf")

    def read(self) -> dict[str, int | None]:
        """Connections past Toxiproxy right now, by link; None where its client is not seen from here. Raises
        EngineError where the engine does not tell."""
        if time.monotonic() - self._looked_at > LOOK_AGAIN_S:
            self._looked_at = time.monotonic()
            self._members = self._look()
        tables = functools.cache(lambda pid: tuple(rows(pid)))  # each is read once, however many links it tells of
        return {
            link.name: direct(self._members, link.client, link.service, int(link.upstream.rpartition(":")[2]), tables)
            for link in self._state.links
        }

    def _look(self) -> tuple[Member, ...]:
        found = []
        for one in self._state.services:
            if one.container is not None:
                with contextlib.suppress(NotFound):
                    found.append(member(self._engine, self._engine.inspect(one.container.id)))
        return tuple(found)
