"""A user's project in a folder of its own: the reference target, scenarios of the test's, a harness to call."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from harness.store import RunFolder, find

ROOT = Path(__file__).parents[2]


class Project:
    """Calls the real command in the folder; every process that is left over is ended, and named."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scenarios").mkdir()
        self.fill()
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        self.environment.pop("WEAKNESS", None)

    def fill(self) -> None:
        """What stands in the folder: the Compose file (the kept stack is beside it), its services, the load."""
        shutil.copy(ROOT / "docker-compose.yml", self.folder)
        shutil.copytree(ROOT / "target", self.folder / "target", ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "locustfiles").symlink_to(ROOT / "locustfiles")

    def scenario(self, name: str, body: str) -> Path:
        """Write scenarios/NAME.py: what is given, after the import of everything."""
        path = self.folder / "scenarios" / f"{name}.py"
        path.write_text(f'"""{name}?"""\n\nfrom harness import *\n\nscenario = {body}\n', encoding="utf-8")
        return path

    def start(self, *arguments: str | Path, prefix: Sequence[str] = (), **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "harness", *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(
        self, *arguments: str | Path, within_s: float = 120, prefix: Sequence[str] = (), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, prefix=prefix, **variables)
        try:
            said, _ = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30)
            raise AssertionError(f"harness {arguments} took longer than {within_s} s:\n{said}") from None
        assert "Traceback" not in said, said
        return subprocess.CompletedProcess(arguments, process.returncode, said, "")

    def status(self) -> dict[str, Any]:
        done = self.run("stack", "status", "--json")
        body: dict[str, Any] = json.loads(done.stdout)
        return body

    def latest(self, scenario: str) -> RunFolder:
        return find(self.folder / "reports" / scenario)

    def marks(self, scenario: str) -> list[dict[str, Any]]:
        path = self.folder / "reports" / scenario / "latest" / "marks.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines]

    def wait_for_mark(self, scenario: str, kind: str, within_s: float = 60) -> None:
        wait_for(lambda: any(mark["kind"] == kind for mark in self.marks(scenario)), within_s, f"the mark {kind}")

    def end_runs(self) -> None:
        """Kill runs of this project that still go on, and wait until their guardians have healed."""
        runs = [one for one in self.left_over() if one.cmdline()[1:4] == ["-m", "harness", "run"]]
        for one in runs:
            one.kill()
        guardians = [one for one in self.left_over() if "harness.guard" in one.cmdline()] if runs else []
        psutil.wait_procs(guardians, timeout=15)

    def left_over(self) -> list[psutil.Process]:
        """Processes that this project started and that still run."""
        here = str(self.folder)
        found = []
        for process in psutil.process_iter():
            try:
                if here in process.cwd() or here in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return [one for one in found if one.pid != os.getpid()]


def wait_for(true: Callable[[], bool], within_s: float, what: str) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come within {within_s} s"
        time.sleep(0.05)


def words(run_folder: RunFolder) -> dict[str, str]:
    """Each check's word in a run's verdicts."""
    body = json.loads(run_folder.verdicts.read_text(encoding="utf-8"))
    return {one["check"]: one["word"] for one in body["verdicts"]}


def short(
    faults: str, checks: Sequence[str] = ('Availability(ok_ratio_min=0.9, phase="baseline")',), **fields: str
) -> str:
    """A scenario of eight seconds: one to warm up, four of baseline, then the faults."""
    given = {"duration_s": "8", "warmup_s": "1", **fields}
    more = "".join(f", {name}={value}" for name, value in given.items())
    return (
        f'Scenario(hypothesis="It holds.", load=Load("shop.py", rate_per_s=40), faults=({faults}), '
        f"checks=({', '.join(checks)},){more})"
    )
