"""What the doctor finds of Docker, and when it is needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import doctor
from harness.doctor import Part
from harness.stack.docker import compose

ON_DOCKER = {"services": {"web": {"image": "any"}}}
ON_BOTH = {**ON_DOCKER, "x-harness": {"entry": "web:80", "processes": {"web": {"command": ["web"], "port": 80}}}}
Examine = Callable[..., dict[str, Part]]


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """The parts by name, for a Compose file, where the docker command is as given ("" for none) and no engine is."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    monkeypatch.setattr("harness.stack.toxiproxy_server.find", lambda: Path("/toxiproxy-server"))
    compose.version.cache_clear()

    def parts(document: object | None, docker: str) -> dict[str, Part]:
        (tmp_path / "bin").mkdir()
        if docker:
            (tmp_path / "bin" / "docker").write_text(f"#!/bin/sh\n{docker}\n", encoding="utf-8")
            (tmp_path / "bin" / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        path = tmp_path / "compose.yaml"
        if document is not None:
            path.write_text(json.dumps(document), encoding="utf-8")
        return {part.name: part for part in doctor.examine([path] if document is not None else [])}

    yield parts
    compose.version.cache_clear()


def test_a_machine_without_docker_is_told_what_installs_it(examine: Examine) -> None:
    """Engine and Compose come together."""
    parts = examine(ON_BOTH, "")
    assert parts["Docker Engine"] == Part("Docker Engine", "no docker command here", False, doctor.DOCKER)
    assert parts["Docker Compose v2"].remedy == doctor.DOCKER


def test_compose_and_the_engine_are_two_things(examine: Examine) -> None:
    """The one may work where the other does not."""
    parts = examine(ON_BOTH, "echo v2.40.3")
    assert parts["Docker Compose v2"] == Part("Docker Compose v2", "2.40.3", needed=False)
    assert "there is no Docker Engine at unix:///nowhere.sock" in parts["Docker Engine"].found
    assert parts["Docker Engine"].remedy.startswith("sudo systemctl start docker")


@pytest.mark.parametrize(
    "says",
    [
        "echo 1.29.2",
        "echo 2.24.3",
        "echo 2.20.2+ds1-0ubuntu1",
        "echo unknown command >&2; exit 1",
        "exec /no/such/docker",
    ],
)
def test_compose_that_is_old_or_missing_is_told_with_its_plugin(examine: Examine, says: str) -> None:
    """A docker command alone is not enough, nor is a v2 that knows no `!override`."""
    assert examine(ON_BOTH, says)["Docker Compose v2"].remedy == doctor.PLUGIN


@pytest.mark.parametrize("says", ["echo v2.24.4", "echo 2.25.0-desktop.1", "echo 5.0", "echo dev"])
def test_compose_that_is_new_enough_is_well(examine: Examine, says: str) -> None:
    """Whatever its version is written like."""
    assert examine(ON_BOTH, says)["Docker Compose v2"].is_well


@pytest.mark.parametrize(
    ("document", "docker", "embedded"), [(ON_DOCKER, True, False), (ON_BOTH, False, True), (None, False, True)]
)
def test_what_the_compose_file_can_do_without_is_not_needed(
    examine: Examine, document: object, docker: bool, embedded: bool
) -> None:
    """A project that says nothing of processes runs on Docker only; all else runs without."""
    parts = examine(document, "echo v2.40.3")
    assert {parts[name].needed for name in ("Docker Engine", "Docker Compose v2")} == {docker}
    assert {parts[name].needed for name in ("toxiproxy-server 2.12.0", "PostgreSQL")} == {embedded}


def test_a_lack_of_permission_is_told_with_the_group(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon runs, and is not ours to use."""
    from harness.stack.docker.engine import Engine

    def refused() -> tuple[str, str]:
        from harness.stack.docker.engine import unreachable

        return unreachable(PermissionError("Permission denied"), "unix:///var/run/docker.sock")

    monkeypatch.setattr(Engine, "examine", refused)
    assert "usermod -aG docker $USER" in examine(ON_BOTH, "echo v2.40.3")["Docker Engine"].remedy
