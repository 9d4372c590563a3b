"""A project that has never heard of us is begun in. Nothing here is of speed: other tests may run beside it."""

from __future__ import annotations

from pathlib import Path

from tests.integration.docker_here import require_docker
from tests.integration.stranger import Stranger


def test_a_third_party_server_is_begun_with(tmp_path: Path) -> None:
    """`harness init` without a locustfile: one from the OpenAPI document, a scenario that validates, the override."""
    require_docker("python:3.11-slim", "postgres:16")
    made = Stranger("kinto", tmp_path)
    (made.folder / "locustfile.py").unlink()
    done = made.run("init", "--watch", "3s")
    assert done.returncode == 0, done.stdout
    assert "/v1/" in (made.folder / "locustfiles/visitor.py").read_text(encoding="utf-8")
    assert made.run("validate").returncode == 0
