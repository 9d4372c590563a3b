"""`.ci/docker` beside somebody's own engine, which a script plays: what it leaves alone, and what it passes on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKER = """#!/bin/sh
echo "$@" >>"$0.calls"
case "$*" in
"compose version --short") echo 2.40.3 ;;
"image inspect "* | "manifest "*) exit $NOT_HERE ;;
esac
"""
CLEANS_UP = "trap 'echo cleaned; exit 7' INT; echo ready; for i in $(seq 200); do sleep 0.1; done"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where `docker` and `make` are played, and an image is there or not as $NOT_HERE says."""
    for name, text in {"docker": DOCKER, "make": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    found = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path), "NOT_HERE": "0"}
    for name in ("CI", *(f"{one}_IMAGE" for one in ("PYTHON", "POSTGRES", "TOXIPROXY", "PROMETHEUS", "ALERTMANAGER"))):
        found.pop(name, None)
    return found


def start(command: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["env", "--default-signal=INT", ROOT / ".ci" / "docker", "sh", "-c", command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_no_stand_in_bears_an_official_name_in_somebodys_engine(environment: dict[str, str], tmp_path: Path) -> None:
    """Where the registry does not answer it ends, and says what to do."""
    said, _ = start("true", {**environment, "NOT_HERE": "1"}).communicate(timeout=60)
    assert "python:3.11-slim is not here and cannot be pulled" in said
    assert "build" not in (tmp_path / "docker.calls").read_text(encoding="utf-8")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_reaches_the_command_at_once(environment: dict[str, str], number: int, code: int) -> None:
    """As Ctrl-C, so that what it started is taken away."""
    process = start(CLEANS_UP, environment)
    assert process.stdout is not None
    while process.stdout.readline() != "ready\n":
        assert process.poll() is None
    began = time.monotonic()
    process.send_signal(number)
    assert "cleaned" in process.communicate(timeout=30)[0]
    assert (process.returncode, time.monotonic() - began < 10) == (code, True)
