"""One question, asked of the shop on Docker and on local processes: the same words."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.docker_here import require_docker
from tests.integration.project import Project, short, words

STACKS = [(kind, weakness) for kind in ("embedded", "docker") for weakness in ("", "no-timeout")]
FAULTS = 'during(3, 5.5, Latency("api-payments", delay_ms=2000)), during(7, 8, Outage("api-postgres"))'
PATIENT = 'LatencyBelow(1500, percentile=99, phase="latency api-payments")'
CHECKS = (
    'Availability(ok_ratio_min=0.9, phase="baseline")',
    PATIENT,
    'Availability(ok_ratio_min=0.9, phase="outage api-postgres")',
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], dict[str, str]]]:
    """Each check's word by kind of stack and weakness. The stacks come up at once, the runs go one after another."""
    require_docker()
    projects = {one: Project(tmp_path_factory.mktemp("-".join(one))) for one in STACKS}
    try:
        _all(projects, "up")
        yield {one: _words(project, one[1]) for one, project in projects.items()}
    finally:
        _all(projects, "down")


def _all(projects: dict[tuple[str, str], Project], verb: str) -> None:
    started: list[subprocess.Popen[str]] = []
    for (kind, weakness), project in projects.items():
        how = ["--stack", kind] if verb == "up" else []
        started.append(project.start("stack", verb, *how, WEAKNESS=weakness))
    said = [process.communicate(timeout=150)[0] for process in started]
    assert not any(process.returncode for process in started), "\n".join(said)


def _words(project: Project, weakness: str) -> dict[str, str]:
    project.scenario("both", short(FAULTS, CHECKS, duration_s="10", warmup_s="1"))
    done = project.run("run", "scenarios/both.py", WEAKNESS=weakness)
    assert Path(project.latest("both").report).is_file(), done.stdout
    return words(project.latest("both"))


def test_every_check_says_the_same_on_docker_and_embedded(found: dict[tuple[str, str], dict[str, str]]) -> None:
    """Latency and outage on the sound shop: word by word."""
    assert found["docker", ""] == found["embedded", ""]
    assert set(found["docker", ""].values()) >= {"pass", "fail"}


def test_a_weakness_fails_the_same_check_on_both(found: dict[tuple[str, str], dict[str, str]]) -> None:
    """no-timeout: what passed on the sound shop fails, on Docker as on local processes."""
    for kind in ("docker", "embedded"):
        sound, weak = found[kind, ""], found[kind, "no-timeout"]
        assert [check for check, word in weak.items() if word == "fail" != sound[check]] == ["x"], kind
