"""The heal of a container, through an engine written by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.record import HealReport
from harness.stack.docker import pristine
from harness.stack.docker.engine import Engine
from harness.stack.docker.heal import heal_containers
from harness.stack.state import RunningLink, RunningService, StackState
from tests.stack.docker.fake_engine import FakeEngine, not_found

Made = Callable[..., tuple[FakeEngine, StackState]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Made:
    """An engine, and the state of a stack of its one container, `it`, on the networks `back` and `front`."""

    def one() -> tuple[FakeEngine, StackState]:
        engine = FakeEngine()
        monkeypatch.setattr(engine, "info", dict, raising=False)
        monkeypatch.setattr(Engine, "connect", classmethod(lambda _: engine))
        for name in ("back", "front"):
            engine.body["NetworkSettings"]["Networks"][name] = {"NetworkID": f"id-{name}"}
        container = pristine.capture(engine, engine.body)  # type: ignore[arg-type]
        it = RunningService("it", "", "", container=container)
        return engine, StackState(kind="docker", services=(it,), notes=str(tmp_path))

    return one


def test_a_job_that_has_ended_well_is_not_started_again(made: Made) -> None:
    """But for one that others dial: that is no job."""
    engine, state = made()
    engine.ends(0)
    assert heal_containers(state) == HealReport()
    assert engine.did == []
    dialled = replace(state, links=(RunningLink("web-it", "web", "it", "", ""),))
    assert heal_containers(dialled).mended == ("it: it had ended",)


def test_a_job_that_was_asked_to_end_is_started_again(made: Made) -> None:
    """By the note of who stopped it; the note goes when it runs, not before."""
    engine, state = made()
    note = state.ending_note("it")
    assert note is not None
    note.touch()
    engine.ends(0)
    engine.refuses["start"] = not_found("no such image")
    assert heal_containers(state).broken == ("it: it had ended", "it: no such image")
    assert note.exists()
    engine.refuses.clear()
    assert heal_containers(state).mended == ("it: it had ended",)
    assert not note.exists()


def test_a_job_that_is_started_again_may_be_done_at_once(made: Made) -> None:
    """That is not an end to be mended, nor waited out."""
    began = time.monotonic()
    engine, state = made()
    engine.ends(137)
    engine.starts_to_end_with = 0
    assert heal_containers(state) == HealReport(mended=("it: it had ended",))
    assert time.monotonic() - began < 2


def test_a_network_that_is_gone_does_not_keep_it_from_being_started(made: Made) -> None:
    """Nor from its other networks; and it is told as what it is, not as a container that is gone."""
    engine, state = made()
    engine.body["NetworkSettings"]["Networks"].clear()
    engine.ends(137)
    engine.refuses["connect back"] = not_found("network id-back not found")
    report = heal_containers(state)
    assert engine.did == ["connect front", "start"]
    assert "back: network id-back not found" in report.broken[-1]
    assert "it: it had ended" in report.mended
