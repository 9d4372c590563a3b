"""Fixtures that start real servers, and fail the test that leaves one behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.bench import Bench, benched
from tests.integration.docker_here import require_docker
from tests.integration.driven import serving
from tests.integration.kept_shop import KeptShop, kept_shop
from tests.integration.project import Project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These first: they are the long ones, so that at the end no process waits for one that began late."""
    items.sort(key=lambda item: "tests/integration/" not in item.nodeid)
    for item in items:
        if "tests/integration/" in item.nodeid:
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project without a stack. Whatever it started must have ended."""
    made = Project(tmp_path)
    yield made
    _must_be_clean(made)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose stack is kept for the tests of one module."""
    made = Project(tmp_path_factory.mktemp("kept"))
    done = made.run("stack", "up")
    assert done.returncode == 0, done.stdout
    yield made
    done = made.run("stack", "down")
    assert done.returncode == 0, done.stdout
    _must_be_clean(made)


@pytest.fixture(scope="module", params=["embedded", "docker"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptShop]:
    """The shop as a kept stack, of each kind in turn, for the tests of one module."""
    if request.param == "docker":
        require_docker()
    with kept_shop(tmp_path_factory.mktemp(request.param), request.param) as made:
        yield made
        left, report = made.out_of_place(), made.stack.heal()
        assert (left, report.mended, report.broken) == ([], (), ())
    _must_be_clean(made.project)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One link through a real toxiproxy-server."""
    with benched(tmp_path_factory.mktemp("toxiproxy")) as made:
        yield made


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A small server to load."""
    with serving() as address:
        yield address


def _must_be_clean(project: Project) -> None:
    left = project.left_over()
    names = [" ".join(one.cmdline()) for one in left]
    for one in left:
        one.kill()
    assert not names, f"left running: {names}"
