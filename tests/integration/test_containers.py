"""Containers that are not as the shop's: a restart policy, limits, fixed addresses. Broken, and as they were after."""

from __future__ import annotations

import os
import random
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import StartError
from harness.record import HealReport
from harness.stack.docker import pristine
from harness.stack.docker.engine import Engine
from harness.stack.docker.powers import ContainerPowers
from harness.stack.heal import heal
from harness.stack.service import BreakableService
from harness.stack.state import RunningService, StackState
from tests.integration.docker_here import require_docker
from tests.integration.project import wait_for

IMAGE = os.environ.get("PYTHON_IMAGE", "python:3.11-slim")
NAP = ("python", "-c", "import signal, time; signal.signal(15, lambda *_: exit()); time.sleep(1000)")


class Container:
    """One container, as a service of a stack."""

    def __init__(self, options: tuple[str, ...], command: tuple[str, ...]) -> None:
        self.id = _docker("run", "--detach", "--label", "harness-test", *options, IMAGE, *command)
        engine = Engine.connect()
        self.service = RunningService("it", "", "", container=pristine.capture(engine, engine.inspect(self.id)))
        self.broken = BreakableService("it", ContainerPowers(self.service))

    def inspect(self) -> dict[str, object]:
        return Engine.connect().inspect(self.id)

    def state(self, name: str) -> object:
        return Engine.connect().inspect(self.id)["State"][name]

    def limits(self) -> dict[str, object]:
        how = Engine.connect().inspect(self.id)["HostConfig"]
        return {name: how[name] for name in ("NanoCpus", "CpuQuota", "Memory", "MemorySwap")}

    def heal(self) -> HealReport:
        return heal(StackState(kind="docker", services=(self.service,)))


Make = Callable[..., Container]


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def make() -> Iterator[Make]:
    require_docker()
    made: list[Container] = []

    def one(*options: str, command: tuple[str, ...] = NAP) -> Container:
        made.append(Container(options, command))
        return made[-1]

    yield one
    for container in made:
        _docker("rm", "--force", "--volumes", container.id)


def test_a_restart_policy_brings_back_what_was_killed(make: Make) -> None:
    """Not the heal: a crash is met as the stack would meet it. A frozen one too dies at once."""
    it = make("--restart", "always")
    for freeze in (False, True):
        before = it.state("Pid")
        thaw = it.broken.freeze() if freeze else lambda: None
        mend = it.broken.kill()
        wait_for(lambda: it.state("Pid") not in (0, before), 10, "another process")  # noqa: B023
        mend()
        thaw()
        assert it.heal() == HealReport()


def test_what_waits_to_be_restarted_again_is_started_at_once(make: Make, tmp_path: Path) -> None:
    """A crash loop waits ever longer; when the reason is gone the heal does not."""
    (tmp_path / "ok").touch()
    script = "test -e /flag/ok || exit 1; exec sleep 1000"
    it = make("--restart", "always", "-v", f"{tmp_path}:/flag", command=("sh", "-c", script))
    (tmp_path / "ok").unlink()
    it.broken.kill()
    wait_for(lambda: int(str(it.inspect()["RestartCount"])) >= 5 and it.state("Restarting") is True, 20, "a loop")
    (tmp_path / "ok").touch()
    assert it.heal() == HealReport(mended=("it: it had ended",))
    assert it.state("Restarting") is False


def test_limits_that_it_had_are_the_limits_that_it_has_after(make: Make) -> None:
    """Of processor, memory and swap, each as it was asked for; by its own heals, and by the stack's."""
    it = make("--cpus", "0.5", "--memory", "300m", "--memory-swap", "400m")
    before = it.limits()
    for let_go in (False, True):
        heals = [it.broken.squeeze_cpu(0.1), it.broken.squeeze_memory(200_000_000)]
        assert it.limits() != before
        for mend in heals[: 0 if let_go else 2]:
            mend()
        assert len(it.heal().mended) == (2 if let_go else 0)
        assert it.limits() == before


@pytest.fixture
def networks(make: Make) -> Iterator[list[str]]:
    """Two networks, the first of a subnet that is fixed (and of the first that is free): its names, and an address."""
    names = [f"harness-test-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    free = next(
        third
        for third in random.sample(range(256), 256)
        if subprocess.run(
            ["docker", "network", "create", "--subnet", f"198.19.{third}.0/29", names[0]],
            capture_output=True,
            timeout=60,
        ).returncode
        == 0
    )
    _docker("network", "create", names[1])
    yield [*names, f"198.19.{free}.5"]
    for container in _docker("ps", "--all", "--quiet", "--filter", f"network={names[0]}").split():
        _docker("rm", "--force", container)
    _docker("network", "rm", *names)


def test_a_partition_gives_back_names_and_fixed_addresses_on_every_network(make: Make, networks: list[str]) -> None:
    """Also when it is killed and started meanwhile; and the heal sees one that is there by no name."""
    first, second, address = networks
    it = make("--network", first, "--ip", address, "--network-alias", "db")
    _docker("network", "connect", "--alias", "store", second, it.id)
    it.service = RunningService("it", "", "", container=pristine.capture(Engine.connect(), it.inspect()))
    it.broken = BreakableService("it", ContainerPowers(it.service))
    partition, kill = it.broken.partition(), it.broken.kill()
    assert pristine.endpoints(it.inspect()) == ()
    kill()
    assert pristine.endpoints(it.inspect()) == ()
    partition()
    there = {one.name: one for one in pristine.endpoints(it.inspect())}
    assert (there[first].ipv4, set(there[first].aliases)) == (address, {"db"})
    assert set(there[second].aliases) == {"store"}
    assert it.heal() == HealReport()
    _docker("network", "disconnect", second, it.id)
    _docker("network", "connect", second, it.id)
    assert it.heal() == HealReport(mended=(f"it: it was cut off from {second}",))


def test_a_partition_gives_back_the_names_that_only_it_knows(make: Make, networks: list[str]) -> None:
    """Those of its `links`; and the heal sees one that is there without them."""
    network = networks[0]
    make("--network", network, "--name", f"{network}-other")
    it = make("--network", network, "--link", f"{network}-other:database")
    it.broken.partition()()
    assert _finds(it, "database")
    _docker("network", "disconnect", network, it.id)
    _docker("network", "connect", network, it.id)
    assert not _finds(it, "database")
    assert it.heal() == HealReport(mended=(f"it: it was cut off from {network}",))
    assert _finds(it, "database")


def _finds(it: Container, name: str) -> bool:
    return Engine.connect().run(it.id, ["getent", "hosts", name])[0] == 0


def test_a_job_that_is_done_in_mid_run_is_left_alone(make: Make) -> None:
    """It did not die, and no heal does it again."""
    it = make(command=("sh", "-c", "sleep 2"))
    it.broken = BreakableService("it", ContainerPowers(it.service, may_end=True))
    wait_for(lambda: it.state("Running") is False, 10, "its end")
    assert not it.broken.died()
    assert it.heal() == HealReport()
    assert it.state("Running") is False


def test_a_tmpfs_of_its_own_can_be_full_and_is_again_after_a_crash(make: Make) -> None:
    """What it had in memory went with it, and the window still holds."""
    it = make("--tmpfs", "/data:size=8m")
    full = it.broken.fill_disk("/data", 0)
    assert not _writes(it)
    it.broken.kill()()
    assert not _writes(it)
    full()
    assert _writes(it)


def _writes(it: Container) -> bool:
    code, _ = Engine.connect().run(it.id, ["sh", "-c", "head -c 100000 /dev/zero > /data/x"])
    return code == 0


def test_a_container_on_the_hosts_network_cannot_be_cut_off_and_says_so(make: Make) -> None:
    """A partition that does nothing would look like a stack that bears one."""
    with pytest.raises(StartError, match="no network of its own"):
        make("--network", "host").broken.partition()


def test_a_container_that_is_gone_is_told(make: Make) -> None:
    """It cannot be healed, and nothing is raised."""
    it = make()
    _docker("rm", "--force", it.id)
    report = it.heal()
    assert "is gone" in report.broken[0]
