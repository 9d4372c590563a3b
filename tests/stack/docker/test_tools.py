"""The image of the harness's own containers: built once, done without where it may be, asked for where it must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from harness.errors import StartError
from harness.stack.docker.tools import tools, with_image
from harness.stack.docker.tools_image import tools_image
from harness.stack.spec import LinkSpec, StackSpec

LINK = LinkSpec("web-api", "web", "api", 0, 8000, tap=True)
SPEC = StackSpec(Path("compose.yml"), "shop", {}, {LINK.name: LINK}, "hx-toxiproxy", "web", 80, mode="soft")
ASKED = replace(SPEC, links={LINK.name: replace(LINK, tap_asked=True)})
FAILED = "docker compose build ended with exit code 1:\n    no such host\n    and more"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("PYTHON_IMAGE", raising=False)


def _copy(*, has: bool = False, fails: bool = False, cancelled: bool = False) -> Any:
    """Plays ProjectCopy."""
    built: list[object] = []

    def build_own(files: object) -> None:
        built.append(files)
        if fails:
            raise StartError(FAILED)

    engine = SimpleNamespace(has_image=lambda name: has)
    return SimpleNamespace(engine=engine, build_own=build_own, cancelled=lambda: cancelled, built=built)


def _with_image(spec: StackSpec, copy: Any) -> tuple[StackSpec, list[str]]:
    said: list[str] = []
    say: Callable[[str], None] = said.append
    return with_image(spec, copy, say), said


def test_an_image_that_is_here_is_not_built() -> None:
    """Nor is one where nothing of ours is needed; nothing is said."""
    copy = _copy(has=True)
    assert _with_image(SPEC, copy) == (SPEC, [])
    assert _with_image(SPEC.without_taps, _copy()) == (SPEC.without_taps, [])
    assert copy.built == []


def test_building_is_told_of() -> None:
    """It takes half a minute, once."""
    copy = _copy()
    spec, said = _with_image(SPEC, copy)
    assert (spec, len(copy.built)) == (SPEC, 1)
    assert said == ["  building the image of the harness's own tools, once (half a minute) ..."]


def test_taps_that_nobody_asked_for_are_done_without() -> None:
    """Where their image cannot be built; one line says so, what is not known then, why, and what it takes."""
    spec, said = _with_image(SPEC, _copy(fails=True))
    assert not spec.tapped
    assert tools(spec, {}) == {}
    (line,) = said[1:]
    assert "no taps, so nothing will be known of retries and breakers" in line
    assert "python:3.11-slim and a package index" in line
    assert line.endswith("(no such host)")


def test_a_cache_that_cannot_be_written_is_no_reason_not_to_start(tmp_path: Path) -> None:
    """As an image that cannot be built is none."""
    (tmp_path / "resilience-harness").write_text("")
    spec, said = _with_image(SPEC, _copy())
    assert not spec.tapped
    assert "XDG_CACHE_HOME" in said[-1]


@pytest.mark.parametrize(
    ("spec", "what"),
    [(ASKED, "the tap of web-api"), (replace(SPEC, is_asked=True), "what hears alerts and reads accounts")],
)
def test_what_was_asked_for_is_not_done_without(spec: StackSpec, what: str) -> None:
    """A project that says `tap: http`, and checks that need the outpost, get the error."""
    with pytest.raises(StartError, match=f"{what} needs an image that cannot be built here: .*exit code 1"):
        _with_image(spec, _copy(fails=True))


def test_a_start_that_is_called_off_is_called_off() -> None:
    """Ctrl-C while the image is built is no reason to go on without it."""
    with pytest.raises(StartError):
        _with_image(SPEC, _copy(fails=True, cancelled=True))


def test_the_image_is_called_after_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same again is the same image; another base is another. Its Compose file builds it under that name."""
    monkeypatch.setenv("PYTHON_IMAGE", "one")
    image = tools_image()
    (path,) = image.files.paths
    assert yaml.safe_load(path.read_text())["services"]["tools"] == {"image": image.name, "build": "."}
    assert (path.parent / "harness" / "tap" / "__main__.py").is_file()
    assert tools_image() == image
    monkeypatch.setenv("PYTHON_IMAGE", "other")
    assert tools_image().name != image.name
