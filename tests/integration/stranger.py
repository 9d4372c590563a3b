"""Somebody's project: a copy of one of the examples under git, and the harness called in it as they would call it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.docker_here import docker

ROOT = Path(__file__).parents[2]


class Stranger:
    """Every command must leave the user's own files as they were, and no container, network or volume."""

    def __init__(self, example: str, folder: Path) -> None:
        self.folder = folder / example
        shutil.copytree(ROOT / "examples" / example, self.folder)
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "ours"]):
            identity = ["-c", "user.name=they", "-c", "user.email=they@example.org"]
            subprocess.run(["git", *identity, *command], cwd=self.folder, check=True, timeout=20)

    def run(self, *arguments: str, within_s: float = 400) -> subprocess.CompletedProcess[str]:
        before = inventory(self.folder.name)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            said, _ = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=60)
            raise AssertionError(f"harness {arguments} took longer than {within_s} s:\n{said}") from None
        assert "Traceback" not in said, said
        left = inventory(self.folder.name) - before
        assert not left, f"left behind: {left}\n{said}"
        return subprocess.CompletedProcess(arguments, process.returncode, said, "")

    def changed(self) -> str:
        """What git says was changed among the user's own files."""
        return subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
        ).stdout

    def matrix(self) -> dict[str, str]:
        """The harm of each cell of the latest sweep, by its window's name."""
        return {one["planned"]["window"]: one["harm"] for one in self._latest()["cells"]}

    def facts(self) -> dict[str, dict[str, Any]]:
        """What that sweep tells of each link, by its name."""
        return {one["link"]: one for one in self._latest()["facts"]}

    def _latest(self) -> dict[str, Any]:
        path = self.folder / "reports/sweep/latest/matrix.json"
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return body


def inventory(project: str) -> set[str]:
    """Containers, networks and volumes of ours on the daemon, for that project, by name."""
    found: set[str] = set()
    for kind, name in ((("ps", "-a"), "{{.Names}}"), (("network", "ls"), "{{.Name}}"), (("volume", "ls"), "{{.Name}}")):
        listed = docker(*kind, "--format", name, "--filter", "label=io.resilience-harness.run").stdout.split()
        found.update(one for one in listed if f"{project}-hx-" in one)
    return found
