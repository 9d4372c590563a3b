"""What the start of a Docker stack waits for."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import StartError
from harness.stack.docker.start import _find_links


def test_toxiproxy_is_waited_for_by_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that takes connections is none: Docker takes them before what is in the container listens."""
    monkeypatch.setattr("harness.stack.toxiproxy.DEADLINE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as docker:
        copy: Any = SimpleNamespace(wait=lambda ready, within_s: ready(), why=lambda: "")
        spec: Any = SimpleNamespace(links={})
        with pytest.raises(StartError, match="Toxiproxy's API does not answer"):
            _find_links(copy, spec, docker.getsockname()[1], 0, {})
