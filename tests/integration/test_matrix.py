"""A small part of the matrix, for real: a weakness is caught, calm is quiet, what was done is not done again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from tests.integration.project import Project, short

RETRIED = short(
    'during(3, 7, HttpStatus("etl-feed", code=503))',
    checks=['Retries("etl-feed", attempts=3)'],
    duration_s="9",
    variables='{"PULL_EVERY_S": "0.1"}',
)
WEAKNESSES = """
variable = "WEAKNESS"
calm_runs = 1
code = ["target"]

[weaknesses.no-retry]
scenarios = ["retried"]
checks = ["Retries"]
"""


def _folders(project: Project, run: Mapping[str, str]) -> list[Path]:
    """The temporary folders of a run's own stack."""
    state = project.folder / "reports" / "matrix" / run["folder"] / "stack.json"
    return [Path(folder) for folder in json.loads(state.read_text(encoding="utf-8"))["folders"]]


def test_a_weakness_is_caught_and_calm_is_quiet(project: Project) -> None:
    """The weakness fails the check by its effect, in a sentence with its number, and the sound target passes it; no
    stack's folder is left. Exit 0, a page and a picture; the second time nothing is left to do."""
    project.scenario("retried", RETRIED)
    (project.folder / "weaknesses.toml").write_text(WEAKNESSES, encoding="utf-8")
    done = project.run("matrix", "--out", "out", within_s=180)
    assert done.returncode == 0, done.stdout
    page = (project.folder / "out" / "matrix.md").read_text(encoding="utf-8")
    assert "no-retry" in page
    assert "caught" in page
    assert (project.folder / "out" / "matrix.png").stat().st_size > 1000
    record = json.loads((project.folder / "reports" / "matrix" / "embedded.json").read_text(encoding="utf-8"))
    said = {one["word"]: one["sentence"] for run in record["runs"] for one in run["said"]}
    assert set(said) == {"pass", "fail"}
    assert re.search(r"\d+ operations on etl-feed gave up after 1 attempt, exactly 3 wanted", said["fail"])
    assert [folder for run in record["runs"] for folder in _folders(project, run) if folder.exists()] == []
    again = project.run("matrix", "--out", "out", within_s=20)
    assert again.returncode == 0, again.stdout
    assert record == json.loads((project.folder / "reports" / "matrix" / "embedded.json").read_text(encoding="utf-8"))
