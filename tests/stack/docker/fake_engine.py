"""A Docker Engine of one container, written by hand: it does what it is told, and remembers it."""

from __future__ import annotations

from typing import Any

from docker.errors import NotFound

from harness.errors import EngineError
from harness.stack.state import Endpoint

ID = "0123456789abcdef"


class FakeEngine:
    """`refuses` are errors by what is asked of it: `start`, `update`, `connect NETWORK`."""

    memory_bytes = 8 * 2**30

    def __init__(self, **how: Any) -> None:
        self.did: list[str] = []
        self.limits: list[dict[str, int]] = []
        self.log = b""
        self.refuses: dict[str, Exception] = {}
        self.starts_to_end_with: int | None = None
        self.body: dict[str, Any] = {
            "Id": ID,
            "Name": "/shop-it-1",
            "State": {"Running": True, "Paused": False, "Restarting": False, "ExitCode": 0, "Pid": 0},
            "HostConfig": {"RestartPolicy": {"Name": "no"}, **how},
            "Config": {},
            "NetworkSettings": {"Networks": {}},
            "Mounts": [],
            "ResolvConfPath": "/dev/null",
        }

    def ends(self, code: int) -> None:
        self.body["State"] |= {"Running": False, "ExitCode": code}

    def inspect(self, container: str) -> dict[str, Any]:
        return self.body

    def containers(self, project: str) -> list[dict[str, Any]]:
        return [self.body]

    def logs(self, container: str, lines: int = 0) -> bytes:
        return self.log

    def remove_labelled(self, label: str) -> list[str]:
        self._do("remove")
        return []

    def process_of(self, body: Any, name: str) -> None:
        return None

    def start(self, container: str) -> None:
        self._do("start" if container == ID else f"start {container}")
        self.body["State"]["Running"] = True
        if self.starts_to_end_with is not None:
            self.ends(self.starts_to_end_with)

    def stop(self, container: str, within_s: int) -> None:
        self._do(f"stop {within_s}")
        self.ends(0)

    def kill(self, container: str) -> None:
        self._do("kill")
        if self.body["State"]["Running"]:
            self.ends(137)

    def update(self, container: str, limits: dict[str, int]) -> None:
        self._do("update")
        self.limits.append(dict(limits))
        self.body["HostConfig"] |= limits

    def connect_network(self, container: str, place: Endpoint) -> None:
        self._do(f"connect {place.name}")
        self.body["NetworkSettings"]["Networks"][place.name] = {"NetworkID": place.network}

    def disconnect_network(self, container: str, network: str) -> None:
        self._do(f"disconnect {network}")

    def _do(self, what: str) -> None:
        if what in self.refuses:
            raise self.refuses[what]
        self.did.append(what)


def not_found(what: str) -> NotFound:
    return NotFound("404", explanation=what)


def refused(what: str) -> EngineError:
    return EngineError(f"docker update 012 failed: {what}")
