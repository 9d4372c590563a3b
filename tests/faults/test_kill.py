"""A kill that cuts the links to its service: in which order, and what is healed where it fails."""

from __future__ import annotations

import pytest

from harness import Kill
from harness.errors import StartError


class _Part:
    """A link or a service that tells what was done to it."""

    def __init__(self, name: str, did: list[str], *, dead: bool = False) -> None:
        self.name, self._did, self._dead = name, did, dead

    def _do(self, what: str, undo: str):
        if self._dead:
            raise StartError(f"{self.name} is gone")
        self._did.append(f"{what} {self.name}")
        return lambda: self._did.append(f"{undo} {self.name}")

    def cut(self):
        return self._do("cut", "open")

    def kill(self):
        return self._do("kill", "start")


class _Stack:
    def __init__(self, *, dead: bool = False) -> None:
        self.did: list[str] = []
        self._dead = dead

    def links_to(self, service):
        return [_Part(f"{client}-{service}", self.did) for client in ("web", "orders")]

    def service(self, name):
        return _Part(name, self.did, dead=self._dead)


def test_a_kill_alone_cuts_nothing():
    """Where windows overlap a proxy that dials cannot be closed."""
    stack = _Stack()
    Kill("db").inject(stack)()
    assert stack.did == ["kill db", "start db"]


def test_links_are_cut_before_the_kill_and_opened_after_the_start():
    """A proxy that dials what is gone cannot be closed; one that is opened before the start dials what is gone."""
    stack = _Stack()
    Kill("db", cut_links=True).inject(stack)()
    assert stack.did == ["cut web-db", "cut orders-db", "kill db", "start db", "open orders-db", "open web-db"]


def test_a_kill_that_fails_leaves_no_link_cut():
    """Both go in or neither."""
    stack = _Stack(dead=True)
    with pytest.raises(StartError, match="db is gone"):
        Kill("db", cut_links=True).inject(stack)
    assert stack.did == ["cut web-db", "cut orders-db", "open orders-db", "open web-db"]
