"""Plays single steps of the runbooks in runbooks/, with a `harness` that does what a test says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.runbook.model import Step
from harness.runbook.reading import read

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
EXEC = 'if test "$2" = exec; then shift 4; exec "$@"; fi\n'
"""A `harness stack exec SERVICE -- COMMAND` that executes the command here."""


def step_of(book: str, name: str) -> Step:
    return next(one for one in read(RUNBOOKS / f"{book}.md").steps if one.id == name)


class Night:
    """A folder of evidence and one of backups, and what `harness` is: a script of sh, with its words in "$@"."""

    def __init__(self, folder: Path, harness: str, **environment: str) -> None:
        self.evidence, self.backups = folder / "evidence", folder / "backups"
        self.evidence.mkdir()
        self.backups.mkdir()
        self._bin = folder / "bin"
        self._bin.mkdir()
        self.harness(harness)
        path = os.pathsep.join([str(self._bin), str(Path(sys.executable).parent), os.environ["PATH"]])
        self._environment = {"PATH": path, "EVIDENCE": str(self.evidence), "BACKUPS": str(self.backups), **environment}

    def harness(self, script: str) -> None:
        (self._bin / "harness").write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
        (self._bin / "harness").chmod(0o755)

    def play(self, book: str, name: str) -> tuple[bool, str]:
        """(whether the step shows what it should, what it wrote)."""
        step = step_of(book, name)
        done = subprocess.run(
            ["sh", "-eu", "-c", step.command],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=30,
        )
        shown = step.expect.pattern is None or step.expect.pattern.search(done.stdout)
        return done.returncode == step.expect.exit_code and bool(shown), done.stdout
