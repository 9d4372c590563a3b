"""One outpost, and one service for it to ask, for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outpost.bench import Bench, running_outpost, service


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_outpost(tmp_path_factory.mktemp("outpost")) as running:
        yield running


@pytest.fixture(scope="module")
def asked() -> Iterator[str]:
    with service() as address:
        yield address
