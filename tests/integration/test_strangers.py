"""Projects that have never heard of us: adopted, swept, begun in, with not a line of theirs changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.docker_here import docker, require_docker
from tests.integration.stranger import ROOT, Stranger

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stranger, Mapping[str, str]]:
    """A project with awkward networks and two APIs on one port, adopted as docs/adopt.md says; what each verb said."""
    require_docker("python:3.11-slim")
    made = Stranger("bookshop", tmp_path_factory.mktemp("stranger"))
    page = (ROOT / "docs/adopt.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(harness adopt.*?)```", page, re.DOTALL)
    assert block is not None
    said = {}
    for line in block[1].strip().splitlines():
        verb, *options = line.partition("#")[0].split()[1:]
        done = made.run(verb, *options)
        assert done.returncode in (0, 4), done.stdout
        said[verb] = done.stdout
    return made, said


@pytest.fixture(scope="module")
def bookshop(adopted: tuple[Stranger, Mapping[str, str]]) -> Stranger:
    return adopted[0]


def test_the_links_are_found_with_how_they_are_known(adopted: tuple[Stranger, Mapping[str, str]]) -> None:
    """Each from the file, and those that the load used from connections that were really seen."""
    said = adopted[1]["adopt"]
    for link in ("catalog-store", "web-catalog", "web-prices", "web-reviews"):
        assert re.search(rf"{link} .*environment .*connections? seen", said), said


def test_the_matrix_is_the_truth(bookshop: Stranger) -> None:
    """The catalogue is a hard dependency, prices have a fallback, reviews are needed by one page alone."""
    harm = bookshop.matrix()
    assert harm["outage web-catalog"] == "down"
    assert harm["outage catalog-store"] == "down"
    assert harm["outage web-prices"] in ("unharmed", "unknown")  # unknown: a busy machine made the calm before it slow
    assert harm["outage web-reviews"] == "down"
    summary = (bookshop.folder / "reports/sweep/latest/summary.md").read_text(encoding="utf-8")
    assert "web cannot live without catalog" in summary
    assert "GET /books/{id}/reviews cannot live without reviews; the other endpoints do not notice" in summary


def test_who_tries_again_is_told(bookshop: Stranger) -> None:
    """Of that sweep, with nothing configured: web asks the catalog twice where it fails, and prices once; neither is
    said to have a breaker; and what the store speaks is no HTTP."""
    facts = bookshop.facts()
    assert (facts["web-catalog"]["retries"], facts["web-catalog"]["breaker"]) == ("yes", "no")
    told = [one["retries"] for one in facts["web-catalog"]["windows"] if one["retries"]["seen"] == "yes"]
    assert all(one["low"] <= 2.0 <= one["high"] for one in told), told
    surest = min(told, key=lambda one: float(one["high"] - one["low"]))
    assert surest["ratio"] == pytest.approx(2.0, rel=0.2)
    assert facts["web-prices"]["retries"] == "no"
    assert facts["web-prices"]["breaker"] != "yes"  # unknown: a busy machine made the load uneven
    assert facts["catalog-store"]["carries"] == "no HTTP/1.1"
    summary = (bookshop.folder / "reports/sweep/latest/summary.md").read_text(encoding="utf-8")
    assert "web calls catalog 2" in summary


def test_a_client_that_waits_for_ever_is_told(bookshop: Stranger) -> None:
    """Reviews have no timeout: in twenty seconds of silence none is seen; the scenario that is written says so too."""
    done = bookshop.run("sweep", "--only", "blackhole web-reviews")
    assert "waits for ever for reviews" in done.stdout, done.stdout
    written = list((bookshop.folder / "reports/sweep/latest/scenarios").glob("*.py"))
    assert [path.name for path in written] == ["sweep-web-reviews-blackhole.py"]
    checked = bookshop.run("validate", str(written[0]))
    assert checked.returncode == 0, checked.stdout


def test_what_is_corrected_in_the_override_counts(bookshop: Stranger) -> None:
    """The links are those of its x-harness: one that is called otherwise there is called so from then on, and started
    so, as is one that is added to it."""
    override = bookshop.folder / "harness.override.yml"
    text = override.read_text(encoding="utf-8")
    scenarios = bookshop.folder / "scenarios"
    scenarios.mkdir()
    for name, link in (("renamed", "the-prices"), ("before", "web-prices")):
        body = f'during(2, 4, Latency("{link}", delay_ms=9)), checks=(Availability(ok_ratio_min=0.5),)'
        load = 'load=Load("locustfile.py", rate_per_s=10)'
        scenario = f'scenario = Scenario(hypothesis="It holds.", {load}, recovery_s=2, faults={body})'
        (scenarios / f"{name}.py").write_text(f'"""?"""\n\nfrom harness import *\n\n{scenario}\n', encoding="utf-8")
    try:
        head, mark, extension = text.partition("x-harness:")
        extension = extension.replace("web-prices:", "the-prices:")
        extension = extension.replace("  links:\n", "  links:\n    more: {client: web, service: prices, port: 8001}\n")
        override.write_text(head + mark + extension, encoding="utf-8")
        renamed = bookshop.run("run", "scenarios/renamed.py")
        assert renamed.returncode in (0, 4), renamed.stdout  # 4: a machine that is too busy for the load
        assert "crossed the-prices while" in renamed.stdout
        before = bookshop.run("validate", "scenarios/before.py")
        assert before.returncode == 2, before.stdout
        assert "did you mean 'the-prices'" in before.stdout
    finally:
        override.write_text(text, encoding="utf-8")


def test_nothing_of_theirs_is_changed(bookshop: Stranger) -> None:
    """Git sees no change, and plain `docker compose up` does what it did."""
    assert bookshop.changed() == ""
    folder = str(bookshop.folder)
    try:
        up = docker("compose", "--project-directory", folder, "up", "-d", "--wait", within_s=120)
        assert up.returncode == 0, up.stderr
    finally:
        docker("compose", "--project-directory", folder, "down", "-v", within_s=60)


def test_a_third_party_server_and_its_database(tmp_path: Path) -> None:
    """Kinto cannot live without PostgreSQL, and is slowed by its every round trip."""
    require_docker("python:3.11-slim", "postgres:16")
    made = Stranger("kinto", tmp_path)
    done = made.run("sweep", "--rate", "5", "--only", "outage kinto-db", "--only", "latency 100 ms kinto-db")
    assert done.returncode in (0, 4), done.stdout
    assert made.matrix() == {"latency 100 ms kinto-db": "slower", "outage kinto-db": "down"}
    assert "cannot live without db" in done.stdout
    assert made.changed() == ""
