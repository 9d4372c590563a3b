"""What the api's log says of a database that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.waiting import wait_until
from target.log import in_one_line
from tests.target.running import nowhere, running_api, running_database

REQUEST = re.compile(r"(GET|POST) /\S+: the database does not answer \(\w+Error.*\)")
POOL = re.compile(r"Failed to restore the pool connection floor; retrying \(\w+Error.*\)")
FAILURES = 5


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (TimeoutError(), "TimeoutError"),
        (OSError(111, "refused"), "ConnectionRefusedError: [Errno 111] refused"),
        (ValueError("starting up\nDETAIL:  not yet\n"), "ValueError: starting up DETAIL: not yet"),
    ],
)
def test_an_error_is_told_in_one_line(error: Exception, line: str):
    """PostgreSQL adds details on lines of their own, and a timeout says nothing but its name."""
    assert in_one_line(error) == line


@pytest.mark.integration
def test_a_failure_is_one_line_without_its_traceback(tmp_path: Path):
    """One for each request that failed, one for each time that the pool tried in vain, and no other."""
    with running_database() as database, running_api(database, nowhere(), tmp_path / "log") as api:
        assert api.buy(product_id=21).status_code == 409
        assert api.log() == ""
        database.process.end()
        assert wait_until(lambda: api.log().count("Failed to restore") >= 2, 20), api.log()
        answers = [api.client.get("/catalogue").status_code for _ in range(FAILURES)]
        log = api.log()
    assert answers == [503] * FAILURES
    lines = log.splitlines()
    assert [line for line in lines if not REQUEST.fullmatch(line) and not POOL.fullmatch(line)] == []
    assert sum(bool(REQUEST.fullmatch(line)) for line in lines) == FAILURES
