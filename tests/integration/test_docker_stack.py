"""The Docker stack, broken from outside in every way that a machine knows: healed, told, and nothing of it is left."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from harness.stack import state as states
from tests.integration.docker_here import docker, require_docker
from tests.integration.pair import Pair, asked, compose_file, inspect, make, must_be_clean
from tests.integration.project import wait_for, words
from tests.integration.relay import relayed

SLOW = 'during(2.5, 3.5, Latency("front-back", delay_ms=50))'
ALL_AT_ONCE = (
    'during(2.5, 60, Latency("front-back", delay_ms=300), Freeze("back"), Partition("front"), '
    'CpuSqueeze("back", cores=0.5), MemorySqueeze("back", limit_mb=300))'
)
FOR_LONG = 'during(2.5, 60, Latency("front-back", delay_ms=50))'


@pytest.fixture(scope="module", autouse=True)
def _docker() -> None:
    require_docker()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A project of its own; nothing may be left of it."""
    made = make(tmp_path / f"pair{os.getpid()}{tmp_path.name[-20:].strip('_-').lower()}")
    yield made
    must_be_clean(made)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A project whose stack is kept for the tests of this module."""
    made = make(tmp_path_factory.mktemp("kept") / f"kept{os.getpid()}")
    done = made.run("stack", "up")
    assert done.returncode == 0, done.stdout
    yield made
    done = made.run("stack", "down")
    assert done.returncode == 0, done.stdout
    assert made.left_in_docker() == []


def containers(state: states.StackState) -> dict[str, str]:
    """The ids of its containers, by service."""
    return {one.name: one.container.id for one in state.services if one.container}


def out_of_place(state: states.StackState) -> list[str]:
    """Seen from outside: toxics, closed proxies, containers that are paused, cut off or squeezed."""
    proxies = requests.get(f"{state.toxiproxy_url}/proxies", timeout=5).json().values()
    found = [f"proxy {one['name']}" for one in proxies if one["toxics"] or not one["enabled"]]
    for one in state.services:
        assert one.container is not None
        body = inspect(one.container.id)
        how, networks = body["HostConfig"], body["NetworkSettings"]["Networks"]
        found += [f"{one.name} {what}" for what in ("Paused", "Dead", "OOMKilled") if body["State"][what]]
        found += [f"{one.name} off {place.name}" for place in one.container.endpoints if place.name not in networks]
        if how["CpuQuota"] > 0 or how["NanoCpus"] > 0 or 0 < how["Memory"] < 10**9:
            found.append(f"{one.name} squeezed")
    return found


# ------------------------------------------------------------------------------------------------- a stack that is kept


def test_a_killed_harness_leaves_a_kept_stack_whole_within_five_seconds(kept: Pair) -> None:
    """kill -9 in mid-fault: every proxy clean, no container paused, cut off or squeezed."""
    kept.scenario("killed", asked(ALL_AT_ONCE, 62))
    process = kept.start("run", "scenarios/killed.py")
    state = states.read(kept.folder / ".harness" / "stack.json")
    wait_for(lambda: len(out_of_place(state)) >= 5, 30, "all of the faults")
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: not out_of_place(state), 5, "a stack that is whole")
    assert "mended: back: it was paused" in kept.latest("killed").logs.joinpath("guardian.log").read_text()


def test_a_second_run_on_a_kept_stack_is_refused_by_name(kept: Pair) -> None:
    """Two that break one stack would judge each other's faults."""
    kept.scenario("first", asked(FOR_LONG, 62))
    process = kept.start("run", "scenarios/first.py")
    kept.wait_for_mark("first", "zero")
    done = kept.run("run", "scenarios/first.py")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=20)
    assert (done.returncode, process.returncode) == (6, 143), done.stdout + said
    assert "another harness uses the kept stack" in done.stdout


def test_a_daemon_that_goes_in_mid_run_is_told_with_what_heals(kept: Pair) -> None:
    """The run is unknown, its report is there, exit 5; once the daemon is back, the command that was told heals."""
    kept.scenario("gone", asked('during(2.5, 5, Freeze("back"))', 6))
    with relayed() as daemon:
        process = kept.start("run", "scenarios/gone.py", DOCKER_HOST=daemon.host)
        kept.wait_for_mark("gone", "injected")
        daemon.stop()
        said, _ = process.communicate(timeout=30)
    state = states.read(kept.folder / ".harness" / "stack.json")
    assert process.returncode == 5, said
    assert "the Docker Engine did not answer" in said
    assert words(kept.latest("gone"))["Run complete"] == "unknown"
    assert kept.latest("gone").report.is_file()
    assert out_of_place(state) == ["back Paused"]
    assert "mend it with: harness heal" in said
    assert "mended: back: it was paused" in kept.run("heal").stdout
    assert out_of_place(state) == []


# ------------------------------------------------------------------------------------------------ a stack of the run's


def test_a_killed_harness_leaves_nothing_of_a_stack_of_its_own(pair: Pair) -> None:
    """kill -9 in mid-fault: no container, network, volume, folder or process."""
    pair.scenario("killed", asked(ALL_AT_ONCE, 62))
    process = pair.start("run", "scenarios/killed.py")
    pair.wait_for_mark("killed", "injected")
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: not pair.left_in_docker(), 20, "the end of every container and network")
    folders = pair.state("killed").folders
    wait_for(lambda: not any(Path(folder).exists() for folder in folders), 5, "the end of its folder")
    wait_for(lambda: not pair.left_over(), 5, "the end of every process")


@pytest.mark.parametrize("what", ["00hx-", "back-1"])
def test_ctrl_c_while_the_stack_starts_ends_at_once(pair: Pair, what: str) -> None:
    """130, from the first network on, and while Compose waits for a service; what had come up already is gone."""
    body = compose_file(healthcheck={"test": ["CMD", "false"], "interval": "60s"})
    body["services"]["front"]["depends_on"] = {"back": {"condition": "service_healthy"}}
    pair.compose(body)
    pair.scenario("early", asked(SLOW))
    process = pair.start("run", "scenarios/early.py")
    wait_for(lambda: any(what in one for one in pair.left_in_docker()), 30, what)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=15)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert pair.left_in_docker() == []


def test_sigterm_in_mid_run_ends_it_with_143(pair: Pair) -> None:
    """As a CI system does it: healed, taken down."""
    pair.scenario("termed", asked(ALL_AT_ONCE, 62))
    process = pair.start("run", "scenarios/termed.py")
    pair.wait_for_mark("termed", "injected")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 143, said


@pytest.mark.parametrize("service", ["front", "hx-toxiproxy"])
def test_a_container_that_dies_in_mid_run_makes_it_unknown(pair: Pair, service: str) -> None:
    """Exit 4; the container and its log are named, the report is there, all else is taken down."""
    pair.scenario("dying", asked(FOR_LONG, 62))
    process = pair.start("run", "scenarios/dying.py")
    pair.wait_for_mark("dying", "injected")
    docker("kill", containers(pair.state("dying"))[service])
    said, _ = process.communicate(timeout=40)
    assert process.returncode == 4, said
    assert f"{service} died at" in said
    assert f"logs/{service}.log" in said
    assert words(pair.latest("dying"))["Run complete"] == "unknown"
    assert pair.latest("dying").report.is_file()
    assert (pair.latest("dying").logs / f"{service}.log").is_file()


def test_a_daemon_that_goes_is_told_with_the_command_that_takes_the_stack_down(pair: Pair) -> None:
    """A daemon takes its containers with it: the run ends then, unknown, with exit 5 and its report, and the command in
    the message leaves nothing once the daemon is back."""
    pair.scenario("gone", asked('during(2.5, 60, Freeze("back"))', 62))
    with relayed() as daemon:
        process = pair.start("run", "scenarios/gone.py", DOCKER_HOST=daemon.host)
        pair.wait_for_mark("gone", "injected")
        daemon.stop()
        docker("kill", containers(pair.state("gone"))["front"])
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 5, said
    assert "ended early: docker inspect" in said
    assert "the Docker Engine did not answer" in said
    assert pair.latest("gone").report.is_file()
    assert pair.left_in_docker()
    command = re.search(r"\((docker compose [^)]*)\)", said)
    assert command is not None, said
    subprocess.run(shlex.split(command[1]), check=True, capture_output=True, timeout=60)


def test_two_runs_side_by_side_both_go_on_to_their_end(pair: Pair) -> None:
    """Each has a copy of its own."""
    processes = []
    for name in ("one", "other"):
        pair.scenario(name, asked(SLOW))
        processes.append(pair.start("run", f"scenarios/{name}.py"))
    for name, process in zip(("one", "other"), processes, strict=True):
        said, _ = process.communicate(timeout=90)
        assert words(pair.latest(name))["Run complete"] == "pass", said
