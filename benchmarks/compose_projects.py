"""Compose projects for the Docker benchmarks: under names of their own, and nothing is left of them afterwards."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError
from harness.stack.docker import compose
from harness.stack.docker.engine import PROJECT_LABEL, Engine
from harness.stack.docker.interpose import toxiproxy_image

ROOT = Path(__file__).parents[1]
PYTHON_IMAGE = os.environ.get("PYTHON_IMAGE") or "python:3.11-slim"
WITHIN_S = 300
ECHO = """
name: {name}
services:
  caller:
    image: {image}
    command: [python, /hop.py, caller]
    volumes: &script ["{script}:/hop.py:ro"]
    environment: {{ECHO_URL: "http://echo:8000"}}
    ports: ["0:8080"]
    depends_on: [echo]
  echo:
    image: {image}
    command: [python, /hop.py, echo]
    volumes: *script
"""


class Project:
    """A folder with a compose.yaml. Its calls raise RuntimeError with what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def compose(self, *arguments: str) -> str:
        return self._run(("docker", "compose", "-f", "compose.yaml", *arguments))

    def harness(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        return self._run((sys.executable, "-m", "harness", *arguments), codes)

    def _run(self, command: tuple[str, ...], codes: tuple[int, ...] = (0,)) -> str:
        environment = {**os.environ, "WEB_PORT": "0", "PYTHON_IMAGE": PYTHON_IMAGE}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=WITHIN_S
        )
        if done.returncode not in codes:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


def absent() -> str:
    """Why nothing can be measured on Docker here; empty where it can."""
    try:
        compose.version()
        Engine.connect()
    except HarnessError as error:
        return str(error)
    for image in (PYTHON_IMAGE, toxiproxy_image()):
        if all(_docker(*command, image) for command in (("image", "inspect"), ("pull", "--quiet"))):
            return f"the image {image} is not here and cannot be pulled"
    return ""


@contextmanager
def bookshop() -> Iterator[Project]:
    """A copy of examples/bookshop, adopted: five services, four links. Its image is built."""
    with _adopted() as (project, name):
        shutil.copytree(
            ROOT / "examples" / "bookshop",
            project.folder,
            ignore=shutil.ignore_patterns("__pycache__", ".harness", "reports"),
            dirs_exist_ok=True,
        )
        for file in ("compose.yaml", "catalog.env"):
            path = project.folder / file
            renamed = re.sub(r"\bbookshop(?=-|$)", name, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
            path.write_text(renamed, encoding="utf-8")
        project.compose("build", "--quiet")
        yield project


@contextmanager
def echo() -> Iterator[Project]:
    """One link, hop.py at both ends."""
    with _adopted() as (project, name):
        text = ECHO.format(name=name, image=PYTHON_IMAGE, script=ROOT / "benchmarks" / "hop.py")
        (project.folder / "compose.yaml").write_text(text, encoding="utf-8")
        yield project


def adopt(project: Project) -> None:
    """Write its harness.override.yml from its files alone."""
    project.harness("adopt", "--watch", "0s", "compose.yaml")


@contextmanager
def _adopted() -> Iterator[tuple[Project, str]]:
    name = f"bench-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as work:
        project = Project(Path(work))
        try:
            yield project, name
        finally:
            if (project.folder / "harness.override.yml").is_file():
                project.harness("stack", "down")
            if (project.folder / "compose.yaml").is_file():
                project.compose("down", "--volumes", "--timeout", "1")
            _docker("image", "rm", name)
            _docker("image", "prune", "--force", "--filter", f"label={PROJECT_LABEL}={name}")


def _docker(*arguments: str) -> int:
    return subprocess.run(["docker", *arguments], capture_output=True, timeout=WITHIN_S).returncode
