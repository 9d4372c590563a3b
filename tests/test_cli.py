"""The command line without a stack: what it prints, how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.docker_here import require_docker

ROOT = Path(__file__).parents[1]


def _harness(*arguments: str | Path, folder: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **variables}
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("verb", ["run", "validate", "list", "load", "report", "heal", "doctor", "stack", "mutate"])
def test_every_verb_has_help_with_an_example(verb):
    """-h everywhere."""
    done = _harness(verb, "-h")
    assert done.returncode == 0
    assert "Example: harness" in " ".join(done.stdout.replace("│", " ").split())


def test_the_version_is_told():
    """Of the package that is installed."""
    done = _harness("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"harness \d+\.\d+\.\d+", done.stdout.strip())


def test_list_names_each_scenario_and_its_question():
    """For people, and as JSON for programs."""
    assert "calm" in _harness("list").stdout
    rows = json.loads(_harness("list", "--json").stdout)
    assert {"bad-day", "calm", "database-outage", "payments-slow"} <= {row["name"] for row in rows}


def test_validate_shows_the_plan_and_starts_nothing(tmp_path):
    """A timeline, the load, the checks."""
    done = _harness("validate", "scenarios/", "-k", "payments")
    assert done.returncode == 0
    assert "latency on api-payments, delay_ms 2000" in done.stdout
    assert "shop.py, 60 requests/s" in done.stdout


def test_validate_tells_all_that_is_wrong_at_once(tmp_path):
    """Every file's error, and exit code 2."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("scenario = 5\n", encoding="utf-8")
    calm = (ROOT / "scenarios" / "calm.py").read_text(encoding="utf-8")
    (tmp_path / "three.py").write_text(calm.replace("shop.py", "shp.py"), encoding="utf-8")
    done = _harness("validate", tmp_path)
    assert done.returncode == 2
    assert "one.py has a scenario that is 5" in done.stderr
    assert "two.py has a scenario that is 5" in done.stderr
    assert "three.py: unknown locustfile 'shp.py'" in done.stderr


def test_a_calm_scenario_is_asked_of_the_whole_run():
    """Where there is no fault, a check of the fault windows is not said to be."""
    said = _harness("validate", "scenarios/calm.py").stdout
    assert "(run)" in said
    assert "(faults)" not in said


def test_a_scenario_that_ends_the_program_hides_no_other_error(tmp_path):
    """It is told as wrong, exit code 2, with the errors of the files beside it."""
    (tmp_path / "one.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    (tmp_path / "two.py").write_text("scenario = 5\n", encoding="utf-8")
    done = _harness("validate", tmp_path)
    assert done.returncode == 2
    assert "one.py:1: the file ends the program (SystemExit)" in done.stderr
    assert "two.py has a scenario that is 5" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "scenarios/clam.py"], 2, "did you mean 'calm'"),
        (["run", "-k", "nothing"], 2, "no scenario has 'nothing'"),
        (["run", "--stack", "dokcer", "scenarios/calm.py"], 6, "did you mean 'docker'"),
        (["run", "--file", "nowhere.yml"], 2, "nowhere.yml does not exist"),
        (["report", "tests"], 2, "is no run folder"),
        (["load", "locustfiles/shop.py", "--host", "127.0.0.1:1", "--rate", "1"], 2, "--host must be an address"),
        (["load", "locustfiles/shop.py", "--host", "http://[::1", "--rate", "1"], 2, "--host must be an address"),
        (["load", "locustfiles/shop.py", "--host", "http://127.0.0.1:x", "--rate", "1"], 2, "must be an address"),
        (["load", "locustfiles/shop.py", "--host", "http://127.0.0.1:1", "--for", "soon"], 2, "such as 60s"),
        (["load", "locustfiles/shop.py", "--host", "http://127.0.0.1:1", "--rate", "1", "--users", "1"], 2, "one of"),
        (["load", "locustfiles/shp.py", "--host", "http://127.0.0.1:1", "--rate", "1"], 2, "locustfiles/"),
    ],
)
def test_what_is_wrong_is_told_in_words(arguments, code, says):
    """What was given, what is allowed, the exit code of the design; never a traceback."""
    done = _harness(*arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stderr


def test_a_project_without_a_compose_file_is_told(tmp_path):
    """With what was looked for."""
    done = _harness("validate", tmp_path, folder=tmp_path)
    assert done.returncode == 2
    assert "no Compose file" in done.stderr


def test_nothing_to_heal_is_told(tmp_path):
    """A project without a stack has nothing to heal, and no status."""
    (tmp_path / "docker-compose.yml").symlink_to(ROOT / "docker-compose.yml")
    for verb in (["heal"], ["stack", "status"]):
        done = _harness(*verb, folder=tmp_path)
        assert done.returncode == 2
        assert "no stack is" in done.stderr
    assert _harness("stack", "down", folder=tmp_path).stdout.strip() == "no stack was up"


def test_the_doctor_says_what_is_missing_and_what_mends_it(tmp_path):
    """A toxiproxy-server that does not fit is named, with the command; the exit code tells a program."""
    wrong = tmp_path / "toxiproxy-server"
    wrong.write_text("#!/bin/sh\necho 'toxiproxy-server version 2.5.0'\n", encoding="utf-8")
    wrong.chmod(0o755)
    done = _harness("doctor", "--json", TOXIPROXY_SERVER=str(wrong))
    parts = {part["name"]: part for part in json.loads(done.stdout)}
    assert done.returncode == 6
    assert "is version 2.5.0" in parts["toxiproxy-server 2.12.0"]["found"]
    assert parts["toxiproxy-server 2.12.0"]["remedy"]
    assert not parts["Docker Engine"]["needed"]


def test_the_report_is_the_same_twice_and_needs_no_stack(tmp_path):
    """From the run folder alone, byte for byte; its figures as JSON."""
    import shutil

    copy = tmp_path / "sample"
    shutil.copytree(ROOT / "reports" / "sample", copy)
    figures = json.loads(_harness("report", copy, "--json", folder=tmp_path).stdout)
    first = {path: path.read_bytes() for path in sorted(copy.rglob("*")) if path.is_file()}
    assert _harness("report", copy, folder=tmp_path).returncode == 0
    assert first == {path: path.read_bytes() for path in sorted(copy.rglob("*")) if path.is_file()}
    rows = {(row["phase"], row["endpoint"]): row for row in figures["rows"]}
    whole = rows["run", "all"]
    assert whole["count"] == whole["ok"] + whole["fail"] + whole["unknown"]
    assert rows["payments slow", "POST /checkout"]["response"]["p50_ms"] > 900
    assert figures["word"] == "pass"


def test_what_the_stack_cannot_do_is_refused_before_anything_starts(tmp_path):
    """By `run` and `validate` alike, with the line, and the stack that can."""
    require_docker()
    path = tmp_path / "apart.py"
    path.write_text(
        '"""Apart?"""\nfrom harness import *\nscenario = Scenario(hypothesis="h", load=Load("shop.py", rate_per_s=1),\n'
        '    faults=during(4, 5, Partition("payments")), checks=(Recovers(within_s=1),))\n',
        encoding="utf-8",
    )
    for verb in ("run", "validate"):
        done = _harness(verb, path, "--stack", "embedded")
        assert done.returncode == 2
        assert "apart.py:4: partition needs --stack docker; the embedded stack can: cpu, disk" in done.stderr
    assert _harness("validate", path, "--stack", "docker").returncode == 0
    assert "did you mean 'docker'" in _harness("validate", path, "--stack", "dcoker").stderr
