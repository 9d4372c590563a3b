"""The links of one tap process, each with its listener, its rules and its connections."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.tap.connection import Connection
from harness.tap.live import Live
from harness.tap.mutating import Journal
from harness.tap.recorder import Recorder
from harness.tap.rules import Rule, rule_to
from harness.tap.sockets import Watcher, listener
from harness.tap.templates import Templates

BACKLOG = 4096


def split_address(text: str) -> tuple[str, int]:
    """host:port, as (host, port). Raises ValueError with a sentence."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"an address is host:port; given {text!r}")
    return host.strip("[]"), int(port)


class Link:
    """One listener: what connects to it is passed to `upstream`."""

    http = others = 0
    """Connections so far that spoke HTTP/1.1, and that spoke something else."""

    def __init__(self, tap: Tap, name: str, upstream: tuple[str, int]) -> None:
        self.tap, self.name, self.upstream = tap, name, upstream
        self.rules: list[Live] = []
        self.connections: set[Connection] = set()
        self.templates = Templates()

    async def listen(self, host: str, port: int) -> None:
        """Raises OSError when the port cannot be had."""
        found = listener(host, port, BACKLOG)
        self._server = await self.tap.loop.create_server(lambda: Connection(self), sock=found, backlog=BACKLOG)

    def close(self) -> None:
        """Listen no more, and let go of who is connected."""
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()

    def state(self) -> dict[str, Any]:
        host, port = self._server.sockets[0].getsockname()[:2]
        return {
            "link": self.name,
            "listen": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "upstream": f"{self.upstream[0]}:{self.upstream[1]}",
            "connections": len(self.connections),
            "http": self.http,
            "others": self.others,
            "rules": [{"id": live.number, **rule_to(live.rule)} for live in self.rules],
        }


class Tap:
    """All that one process holds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.watcher = loop, Watcher(loop)
        self.links: dict[str, Link] = {}
        self.recorder, self.journal = Recorder(self._interrupted), Journal()
        self._connections = self._rules = 0

    def next_number(self) -> int:
        self._connections += 1
        return self._connections

    def _interrupted(self) -> list[Any]:
        connections = [one for link in self.links.values() for one in link.connections]
        return [attempt for one in connections for attempt in one.ledger.interrupted()]

    async def add(self, name: str, listen: str, upstream: str) -> Link:
        """Raises ValueError, or OSError when the port cannot be had."""
        if not name or name in self.links:
            raise ValueError(f"there is a link {name!r} already" if name else "a link must have a name")
        link = Link(self, name, split_address(upstream))
        await link.listen(*split_address(listen))
        self.links[name] = link
        return link

    def put(self, link: Link, rule: Rule) -> Live:
        """In force from the next request on."""
        self._rules += 1
        live = Live(self._rules, rule)
        link.rules.append(live)
        return live

    def take_off(self, number: int | None) -> int:
        """Take off one rule, or all; how many there were. One that is not there is no error."""
        gone: list[Live] = []
        for link in self.links.values():
            gone += (mine := [live for live in link.rules if number is None or live.number == number])
            link.rules = [live for live in link.rules if live not in mine]
        for live in gone:
            live.take_off()
        for live in gone:  # when all are off: who waits in one must not meet another
            live.release()
        return len(gone)

    def close(self) -> None:
        for link in self.links.values():
            link.close()
        self.recorder.stop()
