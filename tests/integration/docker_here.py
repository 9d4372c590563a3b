"""Whether these tests may use Docker: skipped with the reason where it is not here, failed where it must be."""

from __future__ import annotations

import os
import subprocess

import pytest


def require_docker() -> None:
    """Skip the test without Docker Compose v2 and a daemon; fail it instead where HARNESS_REQUIRE_DOCKER=1."""
    reason = _missing()
    if reason and os.environ.get("HARNESS_REQUIRE_DOCKER") == "1":
        pytest.fail(f"HARNESS_REQUIRE_DOCKER=1, and {reason}")
    if reason:
        pytest.skip(reason)


def _missing() -> str:
    for command in (["docker", "compose", "version"], ["docker", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"`{' '.join(command)}` does not work here: {error}"
        if done.returncode != 0:
            return f"`{' '.join(command)}` does not work here: {(done.stderr or done.stdout).strip()}"
    return ""
