"""Speaks to one Docker Engine through the Docker SDK: every call has a deadline, every error says what to do."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import requests
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, NotFound

from harness.errors import EngineError
from harness.stack.child import ProcessId, identify
from harness.stack.docker.execution import Beside, Execution
from harness.stack.docker.following import FollowingClient
from harness.stack.docker.redeploy import replace
from harness.stack.state import Endpoint

DEADLINE_S = 20
PAUSE_TRIES = 3
DEFAULT_HOST = "unix:///var/run/docker.sock"
SCHEMES = ("unix://", "tcp://", "http://", "https://", "ssh://", "npipe://")
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
RUN_LABEL = "io.resilience-harness.run"


class Engine:
    """The engine that $DOCKER_HOST (or the default socket) leads to. Bodies are as the Engine API gives them."""

    def __init__(self, api: docker.APIClient) -> None:
        self._api = api

    @classmethod
    @functools.cache
    def connect(cls) -> Engine:
        """Raises EngineError when there is none, or we may not speak to it."""
        where: dict[str, Any] = {}
        try:
            where = _where()
            return cls(FollowingClient(version="auto", timeout=DEADLINE_S, **where))
        except DockerException as error:
            what, remedy = unreachable(error, where.get("base_url", DEFAULT_HOST))
            raise EngineError(f"{what}; {remedy}; or do without: --stack embedded") from error

    @classmethod
    def examine(cls) -> tuple[str, str]:
        """(what was found of the engine, the command that mends it; empty where nothing is wrong)."""
        where: dict[str, Any] = {}
        try:
            where = _where()
            version = docker.APIClient(version="auto", timeout=DEADLINE_S, **where).version()["Version"]
        except (DockerException, requests.RequestException) as error:
            return unreachable(error, where.get("base_url", DEFAULT_HOST))
        return f"{version} at {where.get('base_url', DEFAULT_HOST)}", ""

    def info(self) -> Mapping[str, Any]:
        with _told("docker info"):
            return dict(self._api.info())

    @functools.cached_property
    def memory_bytes(self) -> int:
        """All the memory of its machine."""
        return int(self.info()["MemTotal"])

    def containers(self, project: str) -> list[dict[str, Any]]:
        """All containers of a Compose project, as `inspect` shows them, one-off ones left out."""
        with _told("docker ps"):
            listed = self._api.containers(all=True, filters={"label": f"{PROJECT_LABEL}={project}"})
        found = []
        for one in listed:
            if one["Labels"].get("com.docker.compose.oneoff") != "True":
                with contextlib.suppress(NotFound):
                    found.append(self.inspect(one["Id"]))
        return found

    def running_projects(self) -> set[str]:
        with _told("docker ps"):
            return {one["Labels"][PROJECT_LABEL] for one in self._api.containers() if PROJECT_LABEL in one["Labels"]}

    def exposed_ports(self, image: str) -> tuple[int, ...]:
        """TCP ports that an image says it listens on. Raises docker's NotFound where it is not here."""
        with _told(f"docker image inspect {image}"):
            exposed = self._api.inspect_image(image)["Config"].get("ExposedPorts") or {}
        return tuple(sorted(int(port.split("/")[0]) for port in exposed if not port.endswith("/udp")))

    def has_image(self, image: str) -> bool:
        try:
            self.exposed_ports(image)
        except NotFound:
            return False
        return True

    def inspect(self, container: str) -> dict[str, Any]:
        """Raises docker's NotFound for a container that is gone, EngineError for all else."""
        with _told(f"docker inspect {container[:12]}"):
            return dict(self._api.inspect_container(container))

    def runs(self, container: str) -> bool:
        """False for one that is gone, too, or between two tries of its restart policy."""
        try:
            state = self.inspect(container)["State"]
        except NotFound:
            return False
        return bool(state["Running"] and not state["Restarting"])

    def process(self, container: str, name: str) -> ProcessId | None:
        """The first process of a container as this machine sees it; None when it does not run, or is not seen."""
        try:
            return self.process_of(self.inspect(container), name)
        except (EngineError, NotFound):
            return None

    def process_of(self, body: Mapping[str, Any], name: str) -> ProcessId | None:
        """The same from its `inspect` body. The engine may be on another machine, and its ids somebody else's here."""
        pid = int(body["State"]["Pid"])
        process = identify(name, pid) if pid else None
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8") if process else ""
        except OSError:
            groups = ""
        return process if body["Id"] in groups else None

    def logs(self, container: str, lines: int | str = "all") -> bytes:
        with _told(f"docker logs {container[:12]}"):
            return bytes(self._api.logs(container, tail=lines))

    def kill(self, container: str) -> None:
        with _told(f"docker kill {container[:12]}"), _unless("is not running"):
            self._api.kill(container)

    def stop(self, container: str, within_s: int) -> None:
        with _told(f"docker stop {container[:12]}"):
            self._api.stop(container, timeout=within_s)

    def start(self, container: str) -> None:
        with _told(f"docker start {container[:12]}"):
            self._api.start(container)

    def pause(self, container: str) -> None:
        """On a busy machine the engine gives up before all of a container is held: then again."""
        for tries_left in reversed(range(PAUSE_TRIES)):
            try:
                with _told(f"docker pause {container[:12]}"), _unless("already paused"):
                    self._api.pause(container)
                return
            except EngineError as error:
                if not tries_left or "unable to freeze" not in str(error):
                    raise

    def unpause(self, container: str) -> None:
        with _told(f"docker unpause {container[:12]}"), _unless("is not paused"):
            self._api.unpause(container)

    def update(self, container: str, limits: Mapping[str, int]) -> None:
        """New limits. The SDK's own call lacks NanoCpus, so this posts them itself."""
        with _told(f"docker update {container[:12]}"):
            answer = self._api._post_json(self._api._url("/containers/{0}/update", container), data=dict(limits))
            self._api._raise_for_status(answer)

    def connect_network(self, container: str, place: Endpoint) -> None:
        network = place.network
        with _told(f"docker network connect {network[:12]} {container[:12]}"), _unless("already exists in network"):
            self._api.connect_container_to_network(
                container,
                network,
                aliases=list(place.aliases),
                links=[tuple(one.split(":", 1)) for one in place.links],
                ipv4_address=place.ipv4 or None,
                ipv6_address=place.ipv6 or None,
            )

    def disconnect_network(self, container: str, network: str) -> None:
        with _told(f"docker network disconnect {network[:12]} {container[:12]}"), _unless("is not connected"):
            self._api.disconnect_container_from_network(container, network)

    def networks(self) -> list[dict[str, Any]]:
        with _told("docker network ls"):
            return list(self._api.networks())

    def subnets(self) -> dict[str, str]:
        """Those that are in use, each with the name of its network."""
        pools = [(pool, one["Name"]) for one in self.networks() for pool in one["IPAM"].get("Config") or ()]
        return {pool["Subnet"]: name for pool, name in pools if "Subnet" in pool}

    def run(self, container: str, command: Sequence[str]) -> tuple[int, bytes]:
        """(exit code, output) of a command in a running container, as its root."""
        with _told(f"docker exec {container[:12]}"):
            created = self._api.exec_create(container, list(command), user="0")
            output = bytes(self._api.exec_start(created["Id"]))
            return int(self._api.exec_inspect(created["Id"])["ExitCode"] or 0), output

    @contextlib.contextmanager
    def executing(
        self, body: Mapping[str, Any], command: Sequence[str], environment: Mapping[str, str]
    ) -> Iterator[Execution | Beside]:
        """A command that goes on in a container, as its image's user; in one beside it, where it is down."""
        container = body["Id"]
        with _told(f"docker exec {container[:12]}"):
            if not body["State"]["Running"]:
                execution: Execution | Beside = Beside(self._api, body, command, environment)
            else:
                created = self._api.exec_create(container, list(command), environment=dict(environment))
                execution = Execution(self._api, created["Id"])
            try:
                yield execution
            finally:
                execution.close()

    def replace(self, body: Mapping[str, Any], config: dict[str, Any], places: Sequence[Endpoint]) -> None:
        """Give its place to one of that Config (redeploy.py)."""
        with _told(f"a new container for {body['Name'].lstrip('/')}"):
            replace(self._api, body, config, places)

    def remove_labelled(self, label: str) -> list[str]:
        """Force every container, network and volume with that label away; the names of what is left."""
        api, filters = self._api, {"label": label}
        kinds: tuple[
            tuple[Callable[[], Any], Callable[[str], None]], ...
        ] = (  # in this order: what is in use cannot go
            (
                lambda: [(one["Names"][0].lstrip("/"), one["Id"]) for one in api.containers(all=True, filters=filters)],
                lambda key: api.remove_container(key, v=True, force=True),
            ),
            (lambda: [(one["Name"], one["Id"]) for one in api.networks(filters=filters)], api.remove_network),
            (
                lambda: [(one["Name"], one["Name"]) for one in api.volumes(filters=filters)["Volumes"] or ()],
                lambda key: api.remove_volume(key, force=True),
            ),
        )
        left: list[str] = []
        with _told("docker rm"), ThreadPoolExecutor(8) as pool:
            for listed, remove in kinds:
                found = listed()
                gone = pool.map(lambda one: _is_removed(remove, one[1]), found)  # noqa: B023 (used at once)
                left += [name for (name, _), is_gone in zip(found, gone, strict=True) if not is_gone]
        return left


def _is_removed(remove: Callable[[str], None], key: str) -> bool:
    try:
        remove(key)
    except NotFound:
        return True
    except APIError as error:
        return "already in progress" in str(error)
    return True


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """The SDK's errors as ours. NotFound goes on as it is: some ask for it."""
    try:
        yield
    except NotFound:
        raise
    except APIError as error:
        raise EngineError(f"{what} failed: {error.explanation or error}") from error
    except requests.RequestException as error:
        raise EngineError(
            f"{what}: the Docker Engine did not answer ({type(error).__name__}); is it running?"
        ) from error
    except DockerException as error:
        raise EngineError(f"{what} failed: {error}") from error


@contextlib.contextmanager
def _unless(said: str) -> Iterator[None]:
    """What is so already is no error."""
    try:
        yield
    except APIError as error:
        if said not in str(error):
            raise


def _where() -> dict[str, Any]:
    """What leads to the engine: $DOCKER_HOST, else the context that the docker command uses too."""
    given: dict[str, Any] = docker.utils.kwargs_from_env()
    return given if "base_url" in given else {**ContextAPI.kwargs_from_context(), **given}


def unreachable(error: Exception, host: str) -> tuple[str, str]:
    """(why no engine answers at `host`, what to do)."""
    text = str(error)
    if "Permission denied" in text:
        join = "sudo usermod -aG docker $USER (then log in again)"
        return f"no permission to use the Docker Engine at {host}", join
    if not host.startswith(SCHEMES):
        example = "export DOCKER_HOST=unix:///var/run/docker.sock (or tcp://HOST:2375)"
        return f"$DOCKER_HOST is {host!r}, which is no address", example
    if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
        return f"there is no Docker Engine at {host}", "sudo systemctl start docker, where it is installed"
    said = "connection refused" if "refused" in text else text
    return f"the Docker Engine at {host} does not answer ({said})", "sudo systemctl start docker"
