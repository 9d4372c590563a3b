"""One question, asked of the shop on Docker and on local processes: the same words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness import history, loader
from harness.checks.trust import GENERATOR_HONEST, trust
from harness.record import Word
from tests.integration.docker_here import require_docker
from tests.integration.project import Project, short

pytestmark = pytest.mark.alone
FAULTS = '*during(3, 5.5, Latency("api-payments", delay_ms=2000)), *during(7, 8, Outage("api-postgres"))'
CHECKS = (
    'Availability(ok_ratio_min=0.9, phase="baseline")',
    'LatencyBelow(1500, percentile=99, phase="latency api-payments")',
    'Availability(ok_ratio_min=0.9, phase="outage api-postgres")',
)
Words = tuple[tuple[str, Word], ...]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], Words]:
    """Each check's word, by kind of stack and weakness."""
    require_docker()
    project = Project(tmp_path_factory.mktemp("shop"))
    project.scenario("both", short(FAULTS, CHECKS, duration_s="10", warmup_s="1"))
    said = {}
    for kind, weakness in (("embedded", ""), ("docker", ""), ("docker", "no-timeout")):
        done = project.run("run", "scenarios/both.py", "--stack", kind, WEAKNESS=weakness)
        assert done.returncode in (1, 4), done.stdout
        said[kind, weakness] = _words(project)
    assert not project.left_over()
    return said


def _words(project: Project) -> Words:
    """What each check makes of the history. Whether the generator kept its rate is a matter of the machine."""
    seen = history.read(project.latest("both"))
    checks = loader.load(project.folder / "scenarios" / "both.py").scenario.checks
    verdicts = (*(check.check(seen) for check in checks), *trust(seen))
    return tuple((one.check, one.word) for one in verdicts if one.check != GENERATOR_HONEST)


def test_every_check_says_the_same_on_docker_and_embedded(found: Mapping[tuple[str, str], Words]) -> None:
    """Latency and outage on the sound shop: word by word."""
    assert found["docker", ""] == found["embedded", ""]
    assert [word for _, word in found["docker", ""][:3]] == [Word.PASS, Word.PASS, Word.FAIL]


def test_a_weakness_fails_the_check_that_should_see_it(found: Mapping[tuple[str, str], Words]) -> None:
    """no-timeout on Docker: the latency that passed on the sound shop fails. On local processes: `make matrix`."""
    sound, weak = found["docker", ""], found["docker", "no-timeout"]
    changed = [now for was, now in zip(sound, weak, strict=True) if was != now]
    assert changed == [("Latency", Word.FAIL)]
