"""One database for the tests of the running shop; for each module of them an api and its provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.target.running import Api, Database, Provider, running_api, running_database
from tests.target.telling import Receiver


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """PostgreSQL, not to be broken: other modules use it too."""
    with running_database() as running:
        yield running


@pytest.fixture(scope="module")
def _provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def provider(_provider: Provider, api: Api) -> Iterator[Provider]:
    """The api's provider, which charges until the test tells it otherwise."""
    api.forget_failures()
    _provider.asked.clear()
    _provider.asked_at.clear()
    yield _provider
    _provider.charges()
    api.forget_failures()


@pytest.fixture(scope="module")
def api(database: Database, _provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The shop, which must not have met anything that nobody foresaw."""
    with running_api(database, _provider.url, tmp_path_factory.mktemp("api") / "log") as running:
        yield running
        assert "Traceback" not in running.log(), running.log()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def charging() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()
