"""What the Docker stack does to a container, through an engine written by hand."""

from __future__ import annotations

import pytest

from harness.errors import EngineError
from harness.stack.docker import pristine
from harness.stack.docker.engine import Engine
from harness.stack.docker.powers import ContainerPowers
from harness.stack.running import RunningStack
from harness.stack.service import BreakableService
from harness.stack.state import RunningService, StackState
from tests.stack.docker.fake_engine import FakeEngine, not_found, refused

MB = 10**6


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    made = FakeEngine(NanoCpus=500_000_000, Memory=300 * MB, MemorySwap=400 * MB)
    monkeypatch.setattr(Engine, "connect", classmethod(lambda _: made))
    return made


def powers_over(engine: FakeEngine, may_end: bool = False) -> ContainerPowers:
    container = pristine.capture(engine, engine.body)  # type: ignore[arg-type]
    return ContainerPowers(RunningService("it", "", "", container=container), may_end)


def test_a_squeeze_never_gives_more_than_there_was(engine: FakeEngine) -> None:
    """Half a core is not made one, nor 300 MB a gigabyte; its swap stays what it was then."""
    powers = powers_over(engine)
    for cores in (1.0, 0.2, None):
        powers.limit_cpu(cores)
    assert [one["NanoCpus"] for one in engine.limits] == [500_000_000, 200_000_000, 500_000_000]
    engine.limits.clear()
    for limit in (1000 * MB, 200 * MB, None):
        powers.limit_memory(limit)
    asked = [(one["Memory"] // MB, one["MemorySwap"] // MB) for one in engine.limits]
    assert asked == [(300, 400), (200, 200), (300, 400)]


@pytest.mark.parametrize(
    "says",
    [
        "failed to write 8000000 to memory.limit_in_bytes: device or resource busy",
        "unable to set memory limit to 8000000 (current usage: 9000000, peak usage: 9100000)",
    ],
)
def test_a_limit_below_what_is_held_kills(engine: FakeEngine, says: str) -> None:
    """Where the kernel refuses it instead."""
    engine.refuses["update"] = refused(says)
    powers_over(engine).limit_memory(8 * MB)
    assert engine.did == ["kill"]


def test_no_other_refusal_of_a_limit_kills(engine: FakeEngine) -> None:
    """A fault that could not go in is told."""
    engine.refuses["update"] = refused("Minimum memory limit allowed is 6MB")
    with pytest.raises(EngineError, match="6MB"):
        powers_over(engine).limit_memory(1 * MB)
    assert engine.did == []


def test_a_job_that_ends_well_in_mid_run_is_done(engine: FakeEngine) -> None:
    """It did not die, and no heal does it again; a service that others dial is missed when it ends, however well."""
    for may_end in (True, False):
        engine.body["State"]["Running"] = True
        it = BreakableService("it", powers_over(engine, may_end))
        engine.ends(0)
        assert it.died() is not may_end
        it.squeeze_cpu(0.1)()
        assert ("start" in engine.did) is not may_end


@pytest.mark.parametrize("entry", ["", "it"])
def test_a_stack_tells_of_no_job_that_is_done(engine: FakeEngine, entry: str) -> None:
    """What the load goes to is none."""
    container = pristine.capture(engine, engine.body)  # type: ignore[arg-type]
    it = RunningService("it", "", "it.log", container=container)
    stack = RunningStack(StackState(kind="docker", services=(it,), entry_service=entry))
    engine.ends(0)
    assert stack.dead() == (("it", "it.log") if entry else None)


def test_a_job_that_was_stopped_or_ended_badly_is_not_done(engine: FakeEngine) -> None:
    """A stop ends it well too, and its window's end starts it again."""
    it = BreakableService("it", powers_over(engine, may_end=True))
    it.stop()()
    assert engine.did == ["stop 10", "start"]
    engine.ends(1)
    assert it.died()


def test_a_container_may_take_to_end_what_it_says_itself(engine: FakeEngine) -> None:
    """Its stop_grace_period."""
    engine.body["Config"]["StopTimeout"] = 60
    powers_over(engine).stop()
    assert engine.did == ["stop 60"]


def test_one_network_that_is_gone_does_not_keep_it_from_the_others(engine: FakeEngine) -> None:
    """It is named."""
    for name in ("back", "front"):
        engine.body["NetworkSettings"]["Networks"][name] = {"NetworkID": f"id-{name}"}
    powers = powers_over(engine)
    engine.body["NetworkSettings"]["Networks"].clear()
    engine.refuses["connect back"] = not_found("network id-back not found")
    with pytest.raises(EngineError, match="back: network id-back not found"):
        powers.join_networks()
    assert engine.did == ["connect front"]
