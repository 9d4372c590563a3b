"""What is read of a stack whose processes are not seen from here: nothing, which is not the same as none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.openers import kept_kind
from harness.stack import monitor
from harness.stack import state as states
from harness.stack.docker import start
from harness.stack.docker.engine import Engine
from harness.stack.monitor import Monitor
from harness.stack.state import ContainerState, RunningLink, RunningService, StackState
from harness.stack.status import status

HIDDEN = tuple(RunningService(name, "", "", container=ContainerState(name, name)) for name in ("hx", "web"))
STATE = StackState(
    kind="docker",
    toxiproxy="hx",
    services=HIDDEN,
    links=(RunningLink("web-db", "web", "db", "198.18.0.2:5432", "db.upstream:5432"),),
)


class Bypass:
    def read(self) -> dict[str, int | None]:
        return {"web-db": None}


def test_what_cannot_be_seen_is_not_read_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traffic and no bypass would be a finding."""
    monkeypatch.setattr(monitor, "_bypass", lambda _: Bypass())
    heard: set[tuple[str, str, float]] = set()
    watch = Monitor(STATE, 0, lambda at_ns, subject, metric, value: heard.add((subject, metric, value)))
    watch.start()
    watch.stop()
    assert heard == {("web-db", "bypass_unchecked", 1.0)}


def test_a_start_says_who_is_not_seen() -> None:
    """There a bypass cannot be checked; one that does not run is not meant."""
    ended = RunningService("job", "", "", container=ContainerState("job", "job", running=False))
    heard: list[str] = []
    copy = SimpleNamespace(state=replace(STATE, services=(*HIDDEN, ended)))
    start._tell_unseen(copy, heard.append)
    assert heard == ["  not seen from here, so a bypass of Toxiproxy cannot be checked there: hx, web"]


@pytest.mark.parametrize("running", [True, False])
def test_a_container_is_alive_by_the_engines_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: bool
) -> None:
    """A kept stack that is not seen is not given up, and started once more."""

    class Played(Engine):
        def __init__(self) -> None:
            pass

        def inspect(self, container: str) -> dict[str, object]:
            return {"Id": container, "State": {"Running": running, "Restarting": False, "Pid": 1 if running else 0}}

    monkeypatch.setattr(Engine, "connect", Played)
    monkeypatch.setattr("harness.stack.status.ToxiproxyClient.proxies", lambda _: {})
    told = status(replace(STATE, toxiproxy_url="http://127.0.0.1:1"))["services"]["web"]
    assert (told["alive"], told["pid"]) == (running, None)
    states.write(tmp_path / ".harness" / "stack.json", STATE)
    assert kept_kind(tmp_path / "compose.yml") == ("docker" if running else "")
