"""Kept stacks: what is left of one is not forgotten."""

from __future__ import annotations

import pytest

from harness import openers
from harness.errors import HealIncomplete
from harness.interrupts import Interrupts
from harness.openers import keep, kept_path, let_go
from harness.stack import state as states
from harness.stack.spec import StackSpec
from harness.stack.state import StackState


@pytest.fixture
def spec(tmp_path):
    """A project whose kept stack did not outlive the machine, but for what take_down cannot remove."""
    made = StackSpec(
        path=tmp_path / "compose.yml",
        name="shop",
        services={},
        links={},
        toxiproxy="toxiproxy",
        entry_service="api",
        entry_port=8000,
    )
    states.write(kept_path(made), StackState(kind="docker", project="shop-hx-1"))
    return made


def _keep(spec):
    keep(spec, "docker", Interrupts(), print)


@pytest.mark.parametrize("verb", [_keep, let_go])
def test_what_cannot_be_taken_down_is_not_forgotten(spec, monkeypatch, verb):
    """By `stack up` on what a restart of the machine left, as by `stack down`: exit 5, and its record stays."""
    monkeypatch.setattr(openers, "take_down", lambda _: ("container shop-hx-1-db-1",))
    with pytest.raises(HealIncomplete, match="could not take down: container shop-hx-1-db-1"):
        verb(spec)
    assert states.read(kept_path(spec)).project == "shop-hx-1"


def test_what_was_taken_down_is_forgotten(spec, monkeypatch):
    """Its record goes with it, and nothing is left to be let go."""
    monkeypatch.setattr(openers, "take_down", lambda _: ())
    assert let_go(spec)
    assert not let_go(spec)
