"""Only the deploy that is meant is taken back."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.stack import launch
from harness.stack.deploys import Deploy, deploy_now, to_take_back

GOOD, BAD = Deploy("2026-03-01T02:00:00.000Z", {"SEED": "1"}), Deploy("2026-03-01T03:00:00.000Z", {"RELEASE": None})


def test_the_last_one_is_taken_back() -> None:
    """By its name, and without one."""
    assert to_take_back([GOOD, BAD], "api") is to_take_back([GOOD, BAD], "api", BAD.at) is BAD


@pytest.mark.parametrize("there", [[GOOD], [BAD, GOOD], []])
def test_one_that_is_not_the_last_is_refused(there: list[Deploy]) -> None:
    """It was taken back already, or another came after it: nothing was changed, and what the last one is, is said."""
    with pytest.raises(HarnessError, match="nothing was changed") as refused:
        to_take_back(there, "api", BAD.at)
    assert (f"is {GOOD.line()}, and not {BAD.at}" in str(refused.value)) is bool(there)


def test_a_deploy_shows_names_and_no_values() -> None:
    """A value may be a secret."""
    assert deploy_now({"B": "secret", "A": None}).line().endswith("Z A, B")


def test_a_launch_goes_back_once_and_no_further(tmp_path: Path) -> None:
    """Executed twice, the way back leaves the deploy before it alone."""
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    first = replace(launch.record(tmp_path, "api", sleeps, tmp_path / "api.log"), environment={"SEED": "0"})
    first.begin()
    try:
        first.changed({"SEED": "1"}, 3)
        first.changed({"SEED": "2"}, 3)
        name = _now(first).deploys[-1].at
        first.back(3, name)
        with pytest.raises(HarnessError, match="taken back already"):
            first.back(3, name)
        found = _now(first)
        assert (found.environment or {})["SEED"] == "1"
        assert [one.before for one in found.deploys] == [{"SEED": "0"}]
    finally:
        process = _now(first).process
        assert process is not None
        process.end()


def _now(one: launch.Launch) -> launch.Launch:
    found = launch.read(one.path)
    assert found is not None
    return found
