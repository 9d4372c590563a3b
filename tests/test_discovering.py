"""What adopt, sweep and init hand to the discovery of a project; what is told after Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import adopting, openers
from harness.cli import app, stacks
from harness.errors import HarnessError, HealIncomplete
from harness.stack.docker import discover
from tests.adopt.stranger import service, stack


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Compose file and a locustfile, which nobody resolves."""
    for name in ("compose.yml", "locustfile.py"):
        (tmp_path / name).write_text("services: {}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    published = stack(web=service(ports=[{"target": 80}]))
    monkeypatch.setattr(discover, "read_project", lambda _: published)
    return tmp_path


@pytest.mark.parametrize("verb", ["adopt", "sweep", "init"])
@pytest.mark.parametrize("given", [[], ["--take-over"]])
def test_the_users_own_copy_may_be_stopped_while_links_are_looked_for(
    project: Path, monkeypatch: pytest.MonkeyPatch, verb: str, given: list[str]
) -> None:
    """It would be in the way there first."""
    heard: list[Any] = []

    def adopt(*arguments: Any) -> None:
        heard.append(arguments[-1])
        raise HarnessError("enough")

    monkeypatch.setattr(adopting, "adopt", adopt)
    assert str(CliRunner().invoke(app, [verb, *given]).exception) == "enough"
    assert heard == [bool(given)]


def test_what_is_left_is_told_after_ctrl_c_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it was interrupted says nothing of what must still be ended."""

    def adopt(*arguments: Any) -> None:
        arguments[5].number = 2
        raise HealIncomplete("could not take down: shop")

    monkeypatch.setattr(adopting, "adopt", adopt)
    assert isinstance(CliRunner().invoke(app, ["adopt"]).exception, HealIncomplete)


def test_what_is_left_of_a_stack_that_was_to_stay_is_told_after_ctrl_c_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """`harness stack up` says it as well."""

    def keep(*arguments: Any) -> None:
        arguments[2].number = 2
        raise HealIncomplete("could not take down: shop")

    monkeypatch.setattr(openers, "keep", keep)
    monkeypatch.setattr(stacks, "spec_of", lambda *_: (None, "docker"))
    assert isinstance(CliRunner().invoke(app, ["stack", "up"]).exception, HealIncomplete)
