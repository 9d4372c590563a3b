"""Runs beside the user's own running copy of a project: it is not touched, and nothing is left of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.stack.docker.engine import Engine
from harness.stack.docker.interpose import free_subnets
from harness.stack.ports import free_ports
from tests.integration.docker_here import docker, require_docker
from tests.integration.pair import TOKEN, URL_PASSWORD, Pair, asked, compose_file, inspect, make
from tests.integration.project import wait_for, words

SLOW = 'during(2.5, 3.5, Latency("front-back", delay_ms=50))'
FOR_LONG = 'during(2.5, 60, Latency("front-back", delay_ms=50))'


class Finished:
    """One run beside the user's own copy, and what there was before and after."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.data = Path(f"{pair.folder}-data")
        self.data.mkdir()
        writes = ["sh", "-c", "echo ours > /var/lib/back/written; exec python3 /pair/server.py"]
        body = compose_file(command=writes)
        body["services"]["back"]["volumes"].append(f"{self.data}:/var/lib/back")
        body["services"]["front"]["ports"] = [f"127.0.0.1:{free_ports(1)[0]}:8000"]  # taken, while a copy runs too
        self.office = f"{pair.folder.name}-office"
        (subnet,) = free_subnets(Engine.connect()).allot([24])  # fixed: two networks cannot have it
        body["networks"] = {
            "default": {"ipam": {"config": [{"subnet": str(subnet)}]}},
            "office": {"external": True, "name": self.office},
        }
        body["services"]["back"] |= {
            "networks": {"default": {}, "office": {"aliases": ["db"]}},
            "labels": {"route": "me"},
        }
        body["services"]["front"] |= {"image": f"{pair.folder.name}-front:test", "build": {"context": "."}}
        (pair.folder / "Dockerfile").write_text(f"FROM {body['services']['back']['image']}\nENV BUILT=1\n")
        pair.compose(body)
        self.name = pair.folder.name
        assert docker("network", "create", self.office).returncode == 0
        self.own("up", "--detach", "--build")
        (self.data / "written").write_text("the user's", encoding="utf-8")
        self.before = self.running()
        self.images = self.images_now()
        pair.scenario("slow", asked(SLOW))

    def own(self, *arguments: str) -> None:
        done = docker("compose", "-p", self.name, "--project-directory", str(self.pair.folder), *arguments)
        assert done.returncode == 0, done.stderr

    def running(self) -> dict[str, str]:
        """Of the user's own copy: when each container was started, by id."""
        listed = docker("ps", "-q", "--no-trunc", "--filter", f"label=com.docker.compose.project={self.name}")
        return {one: inspect(one)["State"]["StartedAt"] for one in listed.stdout.split()}

    def images_now(self) -> list[str]:
        """All that were ever built for the project or a copy of it, those without a name too."""
        ids = docker("image", "ls", "-q", "--no-trunc", "--filter", "label=com.docker.compose.project").stdout.split()
        form = '{{.Id}} {{index .Config.Labels "com.docker.compose.project"}}'
        rows = docker("image", "inspect", "--format", form, *sorted(set(ids))).stdout.splitlines()
        return [row for row in rows if row.split()[1].startswith(self.name)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    require_docker()
    made = Finished(make(tmp_path_factory.mktemp("finished") / f"own{os.getpid()}"))
    try:
        yield made
    finally:
        made.own("down", "--volumes")
        docker("image", "rm", f"{made.name}-front:test")
        docker("network", "rm", made.office)


def test_a_run_beside_the_users_own_copy_does_not_touch_it(finished: Finished) -> None:
    """The same containers, started when they were."""
    done = finished.pair.run("run", "scenarios/slow.py")
    assert words(finished.pair.latest("slow"))["Run complete"] == "pass", done.stdout
    assert "your folder at /var/lib/back is left alone" in done.stdout
    assert "the external network office is left alone" in done.stdout
    assert "labels are left out (back)" in done.stdout
    assert len(finished.before) == 2
    assert finished.running() == finished.before


def test_a_folder_of_data_is_not_touched_by_the_copy(finished: Finished) -> None:
    """What is mounted under /var/lib stays as the user left it."""
    assert (finished.data / "written").read_text(encoding="utf-8") == "the user's"


def test_the_copy_is_on_no_network_that_the_user_shares_with_others(finished: Finished) -> None:
    """There it would answer to the names of what runs there; it has one of its own, where its own names mean it."""
    on = {
        one.name: one.aliases
        for each in finished.pair.state("slow").services
        if each.container
        for one in each.container.endpoints
    }
    assert finished.office not in on
    assert [set(names) >= {"db", "back"} for name, names in on.items() if name.endswith("_office")] == [True]


def test_no_secret_gets_into_a_run_folder(finished: Finished) -> None:
    """Not from an environment, a variable, a URL, nor a container's log: no file of the run holds it."""
    folder = finished.pair.latest("slow").path
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert b"(kept out)" in (folder / "logs" / "front.log").read_bytes()
    for secret in (TOKEN, URL_PASSWORD):
        assert [str(path) for path in files if secret.encode() in path.read_bytes()] == []


def test_a_copy_that_is_taken_over_is_started_again(finished: Finished) -> None:
    """--take-over stops the user's own containers for the time of a run; the same ones run after."""
    done = finished.pair.run("run", "scenarios/slow.py", "--take-over")
    assert "itself is stopped for the time (2 containers)" in done.stdout
    assert set(finished.running()) == set(finished.before)
    assert finished.running() != finished.before


def test_runs_leave_no_container_network_volume_or_image(finished: Finished) -> None:
    """After two runs there are as many images as the user built, and nothing of a copy's."""
    assert len(finished.images) == 1
    assert finished.images_now() == finished.images
    assert finished.pair.left_in_docker() == []


def test_adopt_leaves_nothing(finished: Finished) -> None:
    """Nor does the copy that is watched."""
    done = finished.pair.run("adopt", "--watch", "1s", "-o", "found.yml")
    assert done.returncode == 0, done.stdout
    assert "front-back" in (finished.pair.folder / "found.yml").read_text(encoding="utf-8")
    assert finished.pair.left_in_docker() == []


def test_a_copy_that_was_taken_over_is_started_again_after_kill_9(finished: Finished) -> None:
    """The guardian takes ours down and starts the user's own."""
    finished.pair.scenario("over", asked(FOR_LONG, 62))
    process = finished.pair.start("run", "scenarios/over.py", "--take-over")
    finished.pair.wait_for_mark("over", "injected")
    assert finished.running() == {}
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: set(finished.running()) == set(finished.before), 20, "the user's own copy")
    wait_for(lambda: not finished.pair.left_in_docker(), 20, "the end of ours")
