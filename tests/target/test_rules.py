"""The alerting rules as a Prometheus evaluates them, by its own tool."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.docker_here import require_docker

ROOT = Path(__file__).parents[2]


def _promtool() -> list[str]:
    """The one here, else that of the image that the shop's Prometheus is."""
    if here := shutil.which("promtool"):
        return [here]
    image = os.environ.get("PROMETHEUS_IMAGE") or "prom/prometheus:v3.5.0"
    require_docker(image)
    run = ["docker", "run", "--rm", "--network", "none", "--volume", f"{ROOT}:/shop:ro", "--workdir", "/shop"]
    return [*run, "--entrypoint", "/bin/promtool", image]


@pytest.mark.integration
def test_each_rule_fires_goes_on_ends_and_is_silent_in_calm():
    """As tests/target/rules.yml says it, with labels, runbooks and what is said."""
    command = [*_promtool(), "test", "rules", "tests/target/rules.yml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
