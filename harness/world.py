"""The small protocols through which faults speak to the world: a link, a service, the stack that has them.

Toxiproxy stands behind a link, a container or a process behind a service; what implements them is in stack/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from harness.record import HealReport

Heal = Callable[[], None]
"""Ends what one injection began, and nothing else."""


class Link(Protocol):
    """One directed dependency, client to service, that runs through Toxiproxy."""

    @property
    def name(self) -> str: ...
    def add_toxic(self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream") -> Heal:
        """Put one toxic in; its heal takes that one out and leaves others. `stream` is upstream or downstream."""
        ...

    def put_rule(self, kind: str, **fields: object) -> Heal:
        """Put a rule of the link's tap in force (tap/rules.py says which there are); its heal takes that one off.

        Raises TapError where the link has no tap, or what crosses it is not HTTP.
        """
        ...

    def cut(self) -> Heal:
        """Close the link: standing connections end, new ones are refused, until every cut is healed."""
        ...


POWERS = ("kill", "stop", "freeze", "restart", "cpu", "memory", "disk", "partition", "dns", "data", "deploy", "sql")
"""What a stack may be able to do to a service. One that cannot is refused by name before anything starts."""


class Service(Protocol):
    """One process or container of the stack. Each method breaks it in one way, and returns the heal of that."""

    @property
    def name(self) -> str: ...
    def kill(self) -> Heal:
        """SIGKILL to all of it. Back by the stack's own restart policy, else by the heal."""
        ...

    def stop(self) -> Heal:
        """Ask it to end, as an operator does; the heal starts it again."""
        ...

    def freeze(self) -> Heal:
        """Hold all of it still; connections stay open and nothing answers."""
        ...

    def restart(self) -> Heal:
        """End it and start it again at once; the heal has nothing left to do."""
        ...

    def squeeze_cpu(self, cores: float) -> Heal:
        """Leave it at most so many cores."""
        ...

    def squeeze_memory(self, limit_bytes: int) -> Heal:
        """Leave it at most so much memory; what holds more is killed, as the kernel does it."""
        ...

    def fill_disk(self, path: str, free_bytes: int) -> Heal:
        """Leave so much free on the bounded file system at `path`. Refused where others would run out of space too."""
        ...

    def partition(self) -> Heal:
        """Cut it off from every network."""
        ...

    def break_dns(self) -> Heal:
        """Let it find no name; standing connections stay."""
        ...

    def lose_data(self) -> None:
        """Empty what it keeps. It must have been killed; nothing puts it back."""
        ...

    def leave_junk(self, path: str, name: str, free_bytes: int) -> None:
        """A file of that name fills its bounded file system at `path`, and stays. Refused as fill_disk is."""
        ...

    def deploy(self, variables: Mapping[str, str]) -> None:
        """Start it anew with these variables; returns before it is ready. Nothing takes it back."""
        ...

    def run_sql(self, statement: str, hold: bool) -> None:
        """Run it as the superuser, in a transaction that is held open by `hold`. Nothing takes it back."""
        ...


class Stack(Protocol):
    """The system under test, running. What starts one is in stack/."""

    @property
    def backups(self) -> str:
        """The folder of its backups, "" where it is not known."""
        ...

    def link(self, name: str) -> Link: ...
    def service(self, name: str) -> Service: ...
    def links_to(self, service: str) -> Sequence[Link]:
        """The links that lead to a service."""
        ...

    def heal(self) -> HealReport:
        """Everything back, verified by reading it back; any number of times."""
        ...

    def down(self) -> Sequence[str]:
        """End what was started with it: nothing, for a stack that was only attached to. What is left, in words."""
        ...
