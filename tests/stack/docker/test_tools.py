"""The harness's own containers: what they are made from, and that nobody else can say what is in them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import StartError
from harness.stack.docker.tools import tools

SPEC: Any = SimpleNamespace(tapped=True, has_outpost=True, toxiproxy="toxiproxy")


def test_their_image_is_built_here_and_never_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Compose pulls before it builds, and a registry may have one of that name from anybody."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: Any = tools(SPEC, {})
    assert {one["pull_policy"] for one in made.values()} == {"never"}
    assert len({one["build"]["context"] for one in made.values()}) == 1


def test_the_user_of_the_container_can_read_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Files keep their modes on the way in, and a strict umask lets only their owner read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: Any = tools(SPEC, {})
    lines = (Path(made["harness-tap"]["build"]["context"]) / "Dockerfile").read_text().splitlines()
    assert lines[-2:] == ["RUN chmod -R a+rX harness", "USER nobody"]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With what to do."""
    (tmp_path / "resilience-harness").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(StartError, match=r"cannot write .*XDG_CACHE_HOME"):
        tools(SPEC, {})
