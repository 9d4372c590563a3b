"""How a project is looked at: what is left of its copy is told, and the user's own is stopped only when it may be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.errors import ComposeFileError, HealIncomplete, StartError
from harness.stack import heal
from harness.stack.docker import discover as discovering
from harness.stack.docker.compose import ComposeFiles
from harness.stack.docker.connections import Member
from harness.stack.docker.discover import Discovery, Entry, discover
from harness.stack.state import StackState
from tests.adopt.stranger import service, stack

LEFT = "Compose project shop-hx-1 (docker compose -p shop-hx-1 down)"


class Copy:
    """Plays ProjectCopy: comes up, or fails as it is told."""

    fails: BaseException | None = None
    taken_over: bool | None = None
    said: ClassVar[list[str]] = []

    def __init__(self, _: ComposeFiles, state: StackState, *__: object) -> None:
        self.state, self.engine = state, None

    def start(self, *_: object, take_over: bool) -> None:
        Copy.taken_over = take_over
        if Copy.fails:
            raise Copy.fails


@pytest.fixture(autouse=True)
def _played(monkeypatch: pytest.MonkeyPatch) -> None:
    Copy.fails = Copy.taken_over = None
    Copy.said.clear()
    project = stack(web=service(ports=[{"target": 80}], depends_on={}), api=service())
    nothing: dict[str, Any] = {
        "read_project": lambda _: project,
        "ProjectCopy": Copy,
        "_exposed": lambda _: {},
        "members": lambda *_: (),
    }
    for name, value in nothing.items():
        monkeypatch.setattr(discovering, name, value)


def look(take_over: bool = False) -> Discovery:
    @contextlib.contextmanager
    def load(_: str, cancelled: Callable[[], bool]) -> Iterator[None]:
        assert not cancelled()
        yield

    return discover(
        ComposeFiles((Path("compose.yml"),)),
        Entry("web", 80),
        watch_s=0.01,
        load=load,
        cancelled=lambda: False,
        say=lambda line: None if line.startswith("watching") else Copy.said.append(line),
        take_over=take_over,
    )


@pytest.mark.parametrize("fails", [None, StartError("no room")])
def test_what_is_left_of_the_copy_is_told(monkeypatch: pytest.MonkeyPatch, fails: StartError | None) -> None:
    """With what ends it, and with what went wrong before."""
    Copy.fails = fails
    monkeypatch.setattr(heal, "take_down", lambda _: (LEFT,))
    with pytest.raises(HealIncomplete) as caught:
        look()
    assert str(caught.value) == ("no room\n" if fails else "") + f"could not take down: {LEFT}; end it by hand"


def test_who_is_not_seen_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection of theirs is found, which does not say that there is none."""
    monkeypatch.setattr(heal, "take_down", lambda _: ())
    monkeypatch.setattr(discovering, "members", lambda *_: (Member("web", None, ()), Member("api", 0, ())))
    look()
    assert Copy.said == ["not seen from here, so what they dial is known from the files only: web"]


def test_the_users_own_copy_is_stopped_only_when_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `--take-over` says."""
    monkeypatch.setattr(heal, "take_down", lambda _: ())
    look()
    assert Copy.taken_over is False
    look(take_over=True)
    assert Copy.taken_over is True


@pytest.mark.parametrize(("ports", "is_told"), [((9000, 9001), True), ((80, 9000), False), ((), False)])
def test_an_entry_that_nothing_listens_at_is_told(
    monkeypatch: pytest.MonkeyPatch, ports: tuple[int, ...], is_told: bool
) -> None:
    """With those that are; where none is seen nothing is said."""
    monkeypatch.setattr(heal, "take_down", lambda _: ())
    monkeypatch.setattr(discovering, "open_ports", lambda _: {"web": ports})
    said = r"nothing listens at web:80; give one that is listened at: web:9000, web:9001"
    with pytest.raises(ComposeFileError, match=said) if is_told else contextlib.nullcontext():
        look()
