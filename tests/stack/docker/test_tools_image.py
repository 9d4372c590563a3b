"""The image of the harness's own containers: what it is made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import StartError
from harness.stack.docker.tools_image import tools_image


def test_the_user_of_the_container_can_read_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Files keep their modes on the way in, and a strict umask lets only their owner read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lines = (tools_image().files.folder / "Dockerfile").read_text().splitlines()
    assert lines[-2:] == ["RUN chmod -R a+rX harness", "USER nobody"]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With what to do."""
    (tmp_path / "resilience-harness").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(StartError, match=r"cannot write .*XDG_CACHE_HOME"):
        tools_image()
