"""`harness runbook run` and `check` by hand: what is asked, refused, and said when it is called off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.cli import app
from harness.cli.runbook_talk import LINES_MAX, Talk
from harness.runbook.executing import Executor
from harness.waiting import wait_until
from tests.runbook.books import FRONT, book, decision, step, text

ROOT = Path(__file__).parents[2]
DRILL = """from harness import Drill, Kill, Load

drill = Drill(objective="x", load=Load("l.py", rate_per_s=1), disaster=(Kill("db"),), runbook="down", rto_s=1)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with runbooks/, where no stack is, and nothing of the environment that a step could find."""
    for name in ("BACKUPS", "EVIDENCE", "HARNESS_STACK"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "runbooks").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write(project: Path, **sections: str) -> None:
    (project / "runbooks" / "down.md").write_text(text(**sections), encoding="utf-8")


def test_a_variable_that_nobody_gives_is_refused_before_the_first_step(project: Path):
    """Exit 2, and nothing was executed."""
    _write(project, look=step("look", "touch looked"), do=step("do", 'ls "$BACKUPS"'))
    done = CliRunner().invoke(app, ["runbook", "run", "down"])
    assert "$BACKUPS, the folder of backups, is not set" in str(done.exception)
    assert not (project / "looked").exists()


def test_evidence_has_a_folder_that_is_told(project: Path):
    """Also where the variable is there and empty."""
    _write(project, do=step("do", 'echo kept > "$EVIDENCE/log"'))
    done = CliRunner().invoke(app, ["runbook", "run", "down"], env={"EVIDENCE": ""})
    (log,) = (project / "reports" / "evidence").glob("down-*/log")
    assert f"evidence is kept in {log.parent}" in done.output
    assert done.exit_code == 0


def test_a_run_that_is_called_off_says_where_and_that_nothing_was_undone(project: Path):
    """Nothing was healed: nothing here breaks anything."""
    _write(project, do=step("do", "touch began; sleep 30", seconds=40))
    command = [sys.executable, "-m", "harness", "runbook", "run", "down"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as run:
        try:
            assert wait_until((project / "began").exists, 30)
            run.send_signal(signal.SIGTERM)
            said = run.communicate(timeout=30)[1]
        finally:
            run.kill()
    assert run.returncode == 143
    flat = " ".join(said.split())
    assert "interrupted by signal 15 at the step do (runbooks/down.md:13); nothing was undone; see its Rollback" in flat
    assert "healed" not in flat


def test_a_decision_is_asked_with_its_prose_and_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The last lines of each step before it, a few in all; then how to decide; then the options."""
    ask = decision("decide") + "\n- `one` if it is dead.\n"
    looks = step("look", "seq 1 40") + step("other", "echo it is dead")
    console = Console(record=True, width=200)
    talk = Talk(made := book(tmp_path, look=looks + ask), console, lambda: False)
    monkeypatch.setattr("sys.stdin", _Terminal())
    done = Executor(made, {}, folder=tmp_path, ask=talk.ask, on_step=talk.tell).run()
    lines = [line.strip() for line in console.export_text().splitlines()]
    assert (done.failed_at, done.stopped_at) == ("", "")
    asked = ("look | 40", "other | it is dead", "- `one` if it is dead.", "which? [one | other]")
    at = [next(number for number, line in enumerate(lines) if line.startswith(one)) for one in asked]
    assert at == sorted(at)
    assert sum(line.startswith(("look | ", "other | ")) for line in lines) <= LINES_MAX
    assert "look | 1" not in lines


class _Terminal:
    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return "one\n"


def test_an_error_of_a_runbook_that_a_drill_uses_is_told_once(project: Path):
    """Not again for each drill."""
    _write(project, front=FRONT, do=step("do").replace("Takes 0.1 s", "Takes ages"))
    (project / "drills").mkdir()
    (project / "l.py").touch()
    (project / "drills" / "db-down.py").write_text(DRILL, encoding="utf-8")
    done = CliRunner().invoke(app, ["runbook", "check"])
    assert done.output.count("lacks how long it takes") == 1, done.output
    assert "db-down.py is not looked at" in done.output
