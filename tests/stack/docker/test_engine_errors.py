"""Why an engine does not answer, in words that say what to do."""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from docker.errors import APIError, DockerException, NotFound

from harness.errors import EngineError
from harness.stack.docker import engine
from harness.stack.docker.engine import unreachable


def test_a_lack_of_permission_names_the_group() -> None:
    """And the command that joins it."""
    error = DockerException("Error while fetching server API version: ('Connection aborted.', Permission denied)")
    what, remedy = unreachable(error, "unix:///var/run/docker.sock")
    assert what == "no permission to use the Docker Engine at unix:///var/run/docker.sock"
    assert remedy.startswith("sudo usermod -aG docker $USER")


def test_a_socket_that_is_not_there_and_one_that_is_silent_are_two_things(tmp_path: Path) -> None:
    """The first is to be installed, the second to be started."""
    assert "there is no Docker Engine" in unreachable(DockerException("no"), f"unix://{tmp_path}/none.sock")[0]
    (tmp_path / "dead.sock").touch()
    told, remedy = unreachable(DockerException("Connection refused"), f"unix://{tmp_path}/dead.sock")
    assert told == f"the Docker Engine at unix://{tmp_path}/dead.sock does not answer (connection refused)"
    assert remedy == "sudo systemctl start docker"


@pytest.mark.parametrize("host", ["banana", "/var/run/docker.sock", "localhost:2375"])
def test_what_is_no_address_is_told_with_one_that_is(host: str) -> None:
    """$DOCKER_HOST wants a scheme."""
    what, remedy = unreachable(ValueError("bad"), host)
    assert what == f"$DOCKER_HOST is '{host}', which is no address"
    assert remedy.startswith("export DOCKER_HOST=unix://")


def test_the_engine_is_where_the_docker_command_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its context, as with Docker Desktop or a rootless daemon; $DOCKER_HOST comes first."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    meta = tmp_path / "contexts" / "meta" / sha256(b"desk").hexdigest()
    meta.mkdir(parents=True)
    host = {"Host": "unix:///desk.sock", "SkipTLSVerify": False}
    meta.joinpath("meta.json").write_text(json.dumps({"Name": "desk", "Metadata": {}, "Endpoints": {"docker": host}}))
    (tmp_path / "config.json").write_text('{"currentContext": "desk"}')
    assert engine._where()["base_url"] == "unix:///desk.sock"
    monkeypatch.setenv("DOCKER_HOST", "unix:///given.sock")
    assert engine._where()["base_url"] == "unix:///given.sock"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (requests.ConnectionError("gone"), "docker ps: the Docker Engine did not answer (ConnectionError)"),
        (requests.ReadTimeout("slow"), "docker ps: the Docker Engine did not answer (ReadTimeout)"),
        (APIError("no", explanation="the disk is full"), "docker ps failed: the disk is full"),
        (DockerException("odd"), "docker ps failed: odd"),
    ],
)
def test_each_error_of_the_sdk_becomes_one_of_ours(error: Exception, says: str) -> None:
    """With what was asked of the engine."""
    with pytest.raises(EngineError) as told, engine._told("docker ps"):
        raise error
    assert says in str(told.value)


def test_a_container_that_is_gone_stays_that() -> None:
    """Some ask for it."""
    with pytest.raises(NotFound), engine._told("docker inspect"):
        raise NotFound("no such container")


def test_what_is_so_already_is_no_error() -> None:
    """A frozen container is frozen, whoever did it; other refusals stay."""
    with engine._unless("already paused"):
        raise APIError("Container abc is already paused")
    with pytest.raises(APIError), engine._unless("already paused"):
        raise APIError("Container abc is not running")


class _Api:
    """Gives up `failures` times before all of a container is held."""

    def __init__(self, failures: int, why: str) -> None:
        self.failures, self.why = failures, why

    def pause(self, container: str) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise APIError("500", explanation=self.why)


@pytest.mark.parametrize(
    ("failures", "why", "holds"),
    [(2, "OCI runtime pause failed: unable to freeze", True), (3, "unable to freeze", False), (1, "no such", False)],
)
def test_a_pause_that_the_engine_gave_up_is_tried_again(failures: int, why: str, holds: bool) -> None:
    """Some times, and only that: on a busy machine not all of a container is held at once."""
    here = engine.Engine(_Api(failures, why))  # type: ignore[arg-type]
    with contextlib.nullcontext() if holds else pytest.raises(EngineError):
        here.pause("abc")
