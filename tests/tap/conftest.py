"""One tap process for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tap.bench import Bench, running_tap


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_tap(tmp_path_factory.mktemp("tap")) as running:
        yield running


@pytest.fixture(autouse=True)
def no_rule_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "bench" in request.fixturenames:
        request.getfixturevalue("bench").tap.clear()
