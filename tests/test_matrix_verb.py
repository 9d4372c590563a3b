"""`harness matrix` as a command: what it refuses, what it runs with, what it shows, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import job, openers
from harness.cli import app
from harness.ending import COMPLETE, INTERRUPTED, Ending
from harness.errors import StartError
from harness.job import Result
from harness.record import Verdict, Word
from harness.store import RunFolder

ROOT = Path(__file__).parents[1]
TOML = """
variable = "WEAKNESS"
calm_runs = 2
code = ["code"]
[weaknesses.no-timeout]
scenarios = ["slow"]
checks = ["LatencyBelow"]
[weaknesses.no-retry]
scenarios = ["slow"]
checks = ["Availability"]
"""
SCENARIO = '''"""Is it slow?"""
from harness import Availability, Latency, LatencyBelow, Load, Scenario, during

scenario = Scenario(
    hypothesis="No.",
    load=Load("shop.py", rate_per_s=20),
    faults=during(5, 10, Latency("api-payments", delay_ms=100)),
    checks=(LatencyBelow(100), Availability(ok_ratio_min=0.99)),
    variables={"DAY_S": "3"},
)
'''
SEES = {"no-timeout": 0, "no-retry": 1}
"""Which of the scenario's checks fails under a weakness."""


@pytest.fixture
def matrix(tmp_path, monkeypatch):
    """The command, with runs that catch every weakness and are quiet in calm, unless `ending` says how one ends."""

    class Command:
        def __init__(self):
            self.runs, self.commands, self.blind, self.ending = [], [], set(), None
            self.asked = []

        def do(self, planned, locustfile, spec, *, reports, command, view):
            weakness, day_s = (spec.variables[name] for name in ("WEAKNESS", "DAY_S"))
            self.runs.append((weakness, day_s, planned.scenario.seed))
            self.commands.append(command)
            self.asked.append(spec.is_asked)
            folder = RunFolder((reports / planned.name / str(len(self.runs))).resolve())
            ending = self.ending if self.ending and len(self.runs) == 2 else Ending(COMPLETE)
            words = [Word.PASS] * 2
            if weakness and weakness not in self.blind:
                words[SEES[weakness]] = Word.FAIL
            verdicts = tuple(Verdict("x", word, f"It was {word}.") for word in words)
            return Result(planned.name, folder, ending, verdicts, Word.PASS, 0, None)

        def __call__(self, *arguments):
            given = ["--file", tmp_path / "weaknesses.toml", "--reports", tmp_path / "reports", "--out", tmp_path]
            options = ["matrix", "--stack", "embedded", *arguments, *given]
            result = CliRunner().invoke(app, [str(one) for one in options])
            self.printed = result.stdout
            error = result.exception
            return getattr(error, "exit_code", result.exit_code), f"{result.output}\n{error or ''}"

    (tmp_path / "scenarios").mkdir()
    (tmp_path / "code").mkdir()
    (tmp_path / "scenarios/slow.py").write_text(SCENARIO)
    (tmp_path / "code/app.py").write_text("1")
    (tmp_path / "weaknesses.toml").write_text(TOML)
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("WEAKNESS", raising=False)
    command = Command()
    monkeypatch.setattr(job, "do", command.do)
    monkeypatch.setattr(openers, "opener", lambda spec, kind, say: spec)
    monkeypatch.setattr(openers, "kept", lambda spec: None)
    return command


def test_each_weakness_is_switched_on_alone_with_the_scenarios_own_variables(matrix, tmp_path):
    """Calm runs have none; the page and its picture tell; all caught exits 0."""
    code, said = matrix()
    assert code == 0, said
    assert matrix.runs == [("", "3", 0), ("no-timeout", "3", 0), ("no-retry", "3", 0), ("", "3", 1)]
    assert "2 of 2 weaknesses caught; no false alarm in 2 calm runs" in said
    assert "3 of 4: no-retry in slow; " in said
    assert "Is it slow?" in (tmp_path / "matrix.md").read_text()
    assert (tmp_path / "matrix.png").is_file()


def test_the_report_of_a_run_says_the_command_that_repeats_it(matrix, tmp_path):
    """`harness run`, with the seed where it is another than the scenario's."""
    matrix()
    scenario = str(tmp_path / "scenarios/slow.py")
    assert matrix.commands[1] == ["harness", "run", scenario, "--stack", "embedded"]
    assert matrix.commands[3] == ["harness", "run", scenario, "--seed", "1", "--stack", "embedded"]


@pytest.mark.parametrize("changed", ["code/app.py", "scenarios/slow.py"])
def test_what_is_known_is_not_run_again_until_something_changes(matrix, tmp_path, changed):
    """The scenario, or the target's code."""
    matrix()
    matrix()
    assert len(matrix.runs) == 4
    path = tmp_path / changed
    path.write_text(path.read_text() + "\n# another\n")
    matrix()
    assert len(matrix.runs) == 8


def test_names_run_only_these_and_write_no_page_of_a_part(matrix, tmp_path):
    """The page waits for the rest; the exit code is of what was asked."""
    code, said = matrix("no-timeout")
    assert (code, len(matrix.runs)) == (0, 1)
    assert "is written when all 4 runs are there" in said
    assert not (tmp_path / "matrix.md").exists()
    assert matrix()[0] == 0
    assert len(matrix.runs) == 4
    assert (tmp_path / "matrix.md").exists()


def test_a_miss_exits_1_and_json_says_it(matrix):
    """With every run, its checks and the sentence; nothing else is on stdout."""
    matrix.blind.add("no-retry")
    code, _ = matrix("--json")
    told = json.loads(matrix.printed)
    assert (code, told["exit_code"]) == (1, 1)
    (missed,) = (one for one in told["runs"] if one["seen"] == "missed")
    assert (missed["weakness"], missed["checks"]["Availability"]) == ("no-retry", "missed")


def test_an_interrupted_matrix_says_how_to_go_on(matrix, tmp_path):
    """And exits as a run does that was interrupted and healed."""
    matrix.ending = Ending(INTERRUPTED, signal=2)
    code, said = matrix()
    assert code == 130
    assert "1 of 4 runs are done; the same command goes on from there" in said
    assert matrix()[0] == 0
    assert len(matrix.runs) == 5


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["no-timeot"], "did you mean 'no-timeout'"),
        (["--stack", "dokcer"], "did you mean 'docker'"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(matrix, tmp_path, given, says):
    """With what is right, and without a folder."""
    code, said = matrix(*given)
    assert (code in (2, 6), matrix.runs) == (True, [])
    assert says in said
    assert not (tmp_path / "reports").exists()


def test_a_weakness_of_ones_own_environment_is_refused(matrix, monkeypatch):
    """It would be in every run, the calm ones too."""
    monkeypatch.setenv("WEAKNESS", "tiny-pool")
    code, said = matrix()
    assert (code, matrix.runs) == (2, [])
    assert "unset WEAKNESS" in said


def test_a_kept_stack_is_refused(matrix, monkeypatch):
    """No weakness would reach it."""
    monkeypatch.setattr(openers, "kept", lambda spec: "one")
    code, said = matrix()
    assert (code, matrix.runs) == (StartError.exit_code, [])
    assert "harness stack down" in said


def test_services_are_asked_where_a_check_reads_them(matrix, tmp_path):
    """As in `harness run`: a stack that posts no alert and has no tap has an outpost for it."""
    matrix()
    assert not any(matrix.asked)
    rows = 'RowsAccounted("feed", "/rows", pipeline="etl", ledger="/ledger", within_s=1)'
    reading = SCENARIO.replace(" Scenario, during", " RowsAccounted, Scenario, during").replace(
        "0.99))", f"0.99), {rows})"
    )
    (tmp_path / "scenarios/slow.py").write_text(reading)
    matrix.asked.clear()
    matrix()
    assert matrix.asked
    assert all(matrix.asked)
