"""A container gives its place to a new one with other variables, and whoever knew the first finds the newest."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import docker as sdk
import pytest

from harness.errors import EngineError, HarnessError
from harness.stack.docker import pristine
from harness.stack.docker.engine import Engine
from harness.stack.docker.execution import Beside
from harness.stack.docker.following import FollowingClient
from harness.stack.docker.redeploy import back, changed, environment, refuse_what_is_laid_inside, replace
from tests.integration.docker_here import docker, python_image, require_docker

WAITS = "import time; open('/data/starts', 'a').write('x'); time.sleep(600)"


@pytest.fixture(scope="module")
def first() -> Iterator[str]:
    """The id of a container with a network, a name on it, a volume, a port and a variable of its own."""
    require_docker(python_image())
    name = f"redeploy-{uuid.uuid4().hex[:8]}"
    docker("network", "create", name)
    given = ["--name", name, "--network", name, "--network-alias", "web", "-e", "ONE=1", "-p", "127.0.0.1::80"]
    given += ["-v", "/data", "--user", "0", "--stop-timeout", "1", "--entrypoint", "python3"]
    try:
        done = docker("run", "-d", *given, python_image(), "-c", WAITS)
        assert done.returncode == 0, done.stderr
        yield done.stdout.strip()
    finally:
        for one in docker("ps", "-aq", "--filter", f"network={name}").stdout.split():
            docker("rm", "-fv", one)
        docker("network", "rm", name)


def _deploy(key: str, **variables: str) -> None:
    engine = Engine.connect()
    body = engine.inspect(key)
    engine.replace(body, changed(body, variables), pristine.endpoints(body))


def test_a_deploy_is_followed_and_taken_back(first: str) -> None:
    """By another process that only knows the first one's id: same port, names, network and volume."""
    theirs = Engine(FollowingClient(version="auto", **sdk.utils.kwargs_from_env()))
    before = theirs.inspect(first)
    state = pristine.capture(theirs, before)
    _deploy(first, ONE="2", TWO="3")
    _deploy(first, ONE="4")
    now = theirs.inspect(first)
    assert now["Id"] != first
    assert (environment(now)["ONE"], environment(now)["TWO"]) == ("4", "3")
    assert now["NetworkSettings"]["Ports"] == before["NetworkSettings"]["Ports"]
    assert list(pristine.differences(theirs, state, now)) == []
    theirs.kill(first)
    assert not Engine.connect().runs(first)
    for one in ("2", "1"):
        body = theirs.inspect(first)
        theirs.replace(body, back(body, "web"), pristine.endpoints(body))
        assert environment(theirs.inspect(first))["ONE"] == one
    assert "TWO" not in environment(theirs.inspect(first))
    with pytest.raises(HarnessError, match="no way back"):
        back(theirs.inspect(first), "web")


def test_one_that_cannot_be_made_leaves_the_old_one_in_its_place(first: str) -> None:
    """As when its image is gone."""
    engine = Engine.connect()
    body = engine.inspect(first)
    with pytest.raises((EngineError, sdk.errors.NotFound)):
        engine.replace(body, {**changed(body, {"ONE": "9"}), "Image": "no-such-image"}, pristine.endpoints(body))
    assert engine.runs(first)
    assert (engine.inspect(first)["Name"], environment(engine.inspect(first))["ONE"]) == (body["Name"], "1")


class _Unwilling:
    """An engine that does not do one thing; `name` by name, what runs."""

    def __init__(self, fails: str, error: Exception, does_it: bool) -> None:
        self.fails, self.error, self.does_it = fails, error, does_it
        self.names, self.running = {"web": "old"}, {"old"}

    def __getattr__(self, what: str) -> Callable[..., object]:
        def call(key: str | dict[str, object], *given: object, **_: object) -> object:
            fails, self.fails = what == self.fails, "" if what == self.fails else self.fails
            found = self.do(what, key, given) if not fails or self.does_it else None
            if fails:
                raise self.error
            return found

        return call

    def do(self, what: str, key: str | dict[str, object], given: tuple[object, ...]) -> object:
        if what == "stop":
            self.running.discard(str(key))
        elif what == "start":
            self.running.add(str(key))
        elif what == "rename":
            if given[0] in self.names:
                raise sdk.errors.APIError("that name is in use")
            self.names = {name: one for name, one in self.names.items() if one != key} | {str(given[0]): str(key)}
        elif what == "create_container_from_config":
            self.names[str(given[0])] = "new"
        elif what == "remove_container":
            self.names = {name: one for name, one in self.names.items() if one != key}
            self.running.discard(str(key))
        elif what == "inspect_container" and key not in self.names:
            raise sdk.errors.NotFound("no such container")
        return {"Id": self.names.get(str(key), "new")}


@pytest.mark.parametrize("error", [sdk.errors.APIError("no"), TimeoutError("read timed out")])
@pytest.mark.parametrize("does_it", [True, False])
@pytest.mark.parametrize("fails", ["stop", "rename", "create_container_from_config", "start"])
def test_an_engine_that_fails_in_the_middle_leaves_the_old_one_in_its_place(
    fails: str, does_it: bool, error: Exception
) -> None:
    """Wherever it does, and also where it did what it gave no answer to."""
    api = _Unwilling(fails, error, does_it)
    body = {"Name": "/web", "Id": "old", "Config": {}, "HostConfig": {}, "NetworkSettings": {}}
    with pytest.raises(type(error)):
        replace(api, body, {}, [])  # type: ignore[arg-type]
    assert (api.names, api.running) == ({"web": "old"}, {"old"})


def test_a_command_runs_beside_one_that_is_down(first: str) -> None:
    """With its volumes; nothing of it is left."""
    engine = Engine.connect()
    engine.stop(first, 0)
    with engine.executing(
        engine.inspect(first), ["sh", "-c", "cat /data/starts; echo $A >&2; exit 5"], {"A": "b"}
    ) as run:
        assert isinstance(run, Beside)
        pieces = list(run.pieces())
        assert run.exit_code() == 5
    assert set(b"".join(text for stream, text in pieces if stream == 1)) == set(b"x")
    assert b"".join(text for stream, text in pieces if stream == 2) == b"b\n"
    engine.start(first)
    network = next(iter(engine.inspect(first)["NetworkSettings"]["Networks"]))
    assert len(docker("ps", "-aq", "--filter", f"network={network}").stdout.split()) == 1


def test_what_compose_laid_inside_is_refused() -> None:
    """A new container would lack it; what is mounted it has."""
    body = {"Name": "/shop-db-1", "Mounts": [{"Destination": "/etc/a"}]}
    refuse_what_is_laid_inside(body, ["/etc/a"])
    with pytest.raises(EngineError, match=r"has laid /etc/b into shop-db-1"):
        refuse_what_is_laid_inside(body, ["/etc/a", "/etc/b"])
