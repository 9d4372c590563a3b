"""What is told when the embedded stack does not come up."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HealIncomplete, StartError
from harness.stack import heal, processes
from harness.stack.processes import start_stack
from harness.stack.spec import ServiceSpec, StackSpec

SECRET = "correct-horse-battery"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSpec:
    """One whose Toxiproxy says what it should not, and ends."""
    server = tmp_path / "toxiproxy-server"
    server.write_text(f"#!/bin/sh\necho cannot connect with {SECRET}\nexit 3\n", encoding="utf-8")
    server.chmod(0o755)
    monkeypatch.setattr(processes, "provide", lambda: server)
    web = ServiceSpec("web", environment={"API_TOKEN": SECRET}, command=("true",))
    path = tmp_path / "compose.yml"
    return StackSpec(path, "shop", {"web": web, "toxiproxy": ServiceSpec("toxiproxy")}, {}, "toxiproxy", "web", 80)


def test_the_end_of_a_log_is_told_without_secrets(spec: StackSpec, tmp_path: Path) -> None:
    """It goes to the terminal and into the run's marks before the log itself is masked."""
    with pytest.raises(StartError, match=r"cannot connect with \(kept out\)") as caught:
        start_stack(spec, tmp_path / "stack.json", tmp_path / "logs")
    assert SECRET not in str(caught.value)


def test_what_is_left_of_a_start_that_failed_is_told(
    spec: StackSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After why it failed: its exit code is that of a stack that is not whole."""
    taken_down = heal.take_down
    monkeypatch.setattr(heal, "take_down", lambda state: (*taken_down(state), "web"))
    with pytest.raises(HealIncomplete, match=r"(?s)toxiproxy ended with exit code 3.*could not take down: web"):
        start_stack(spec, tmp_path / "stack.json", tmp_path / "logs")
