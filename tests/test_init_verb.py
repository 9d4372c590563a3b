"""`harness init` and `harness adopt` as commands: what they write and keep, and the commands that they name next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import loader
from harness.adopt.edges import Edge, Found
from harness.adopt.project import ComposeProject
from harness.cli import app, strangers
from harness.errors import EngineError
from harness.stack.docker import compose
from harness.stack.docker.discover import Discovery, Entry
from harness.stack.docker.engine import Engine

OVERRIDE = """x-harness: !override
  entry: {entry}
  mode: soft
  toxiproxy: hx-toxiproxy
  links: {links}
"""
LINKS = "{web-db: {client: web, service: db, port: 5432}, db-mail: {client: db, service: mail, port: 25}}"


def _override(entry="web:80", links=LINKS):
    return OVERRIDE.format(entry=entry, links=links)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A stranger's project in `shop`, seen from the folder above; the entries that it was loaded at."""
    loaded = []

    def discover(paths, entry, load, watch, take_over, say):
        loaded.append(entry)
        return Discovery(ComposeProject("shop", {}), Entry("web", 80), Found((Edge("web", "db", 5432),), ()))

    services = {name: {"image": name} for name in ("web", "db", "mail")}
    monkeypatch.setattr(compose, "resolve", lambda *_: {"name": "shop", "services": services})
    monkeypatch.setattr(strangers, "discover", discover)
    monkeypatch.setattr(Engine, "connect", lambda: None)
    monkeypatch.setattr(strangers, "write", lambda found, strict, path: path.write_text(_override()))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/compose.yml").write_text("services: {}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "shop", loaded


def _harness(*arguments):
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    return getattr(result.exception, "exit_code", result.exit_code), f"{result.output}\n{result.exception or ''}"


def _next(said):
    """The commands after `next:`, each as its words."""
    line = said.partition("next: ")[2].splitlines()[0].replace(", then ", ", or ")
    return [shlex.split(one) for one in line.split(", or ")]


def test_a_kept_override_gives_the_links(project):
    """What was corrected there counts, whatever is found or not; the load goes where it says."""
    folder, loaded = project
    (folder / "harness.override.yml").write_text(
        _override(entry="mail:25", links="{cards: {client: web, service: db, port: 1}}")
    )
    code, said = _harness("init", "shop/compose.yml")
    assert code == 0, said
    assert loaded == ["mail:25"]
    assert 'Latency("cards", delay_ms=200)' in (folder / "scenarios/first.py").read_text()


def test_an_entry_beside_a_kept_override_is_refused(project):
    """By name, before anything is brought up."""
    folder, loaded = project
    (folder / "harness.override.yml").write_text(_override())
    code, said = _harness("init", "shop/compose.yml", "--entry", "db:1")
    assert (code, loaded) == (2, [])
    assert "--entry would do nothing: the x-harness of shop/harness.override.yml" in said
    assert "remove the file" in said


def test_an_override_without_links_is_told(project):
    """With what to do."""
    folder, _ = project
    (folder / "harness.override.yml").write_text(_override(links="{}"))
    code, said = _harness("init", "shop/compose.yml")
    assert code == 2
    assert "has no link; add one, or remove the file" in said


@pytest.mark.parametrize("entry", ["web", "db"])
def test_the_first_link_of_the_entry_is_asked_about(project, entry):
    """Else that which comes first."""
    folder, _ = project
    (folder / "harness.override.yml").write_text(_override(entry=f"{entry}:1"))
    _harness("init", "shop/compose.yml")
    assert f'Latency("{"web-db" if entry == "web" else "db-mail"}"' in (folder / "scenarios/first.py").read_text()


def test_of_several_locustfiles_the_first_is_the_load(project):
    """It says which, writes no other, and names it to the sweep, which would ask."""
    folder, _ = project
    (folder / "locustfiles").mkdir()
    for name in ("b", "a"):
        (folder / f"locustfiles/{name}.py").touch()
    code, said = _harness("init", "shop/compose.yml")
    assert code == 0, said
    assert "the load is shop/locustfiles/a.py, the first of 2 locustfiles" in said
    assert sorted(one.name for one in (folder / "locustfiles").iterdir()) == ["a.py", "b.py"]
    assert 'Load("a.py"' in (folder / "scenarios/first.py").read_text()
    assert _next(said)[1][-2:] == ["--locustfile", "shop/locustfiles/a.py"]


def test_the_next_commands_find_what_was_written(project):
    """From where they were printed: with the files and the folder that were given."""
    folder, _ = project
    (folder / "locustfile.py").touch()
    _, said = _harness("init", "shop/compose.yml")
    run, sweep = _next(said)
    files = ["shop/compose.yml", "shop/harness.override.yml"]
    assert run == ["harness", "run", "-f", files[0], "-f", files[1], "shop/scenarios/first.py"]
    assert sweep == ["harness", "sweep", *files]
    assert all(Path(one).is_file() for one in [*files, run[-1]])
    first = loader.load(Path(run[-1]))
    assert loader.find_locustfile(first.scenario.load, first.path) == folder / "locustfile.py"
    code, said = _harness("validate", *run[2:])
    assert code == 0, said


def test_the_next_commands_name_no_more_than_they_must(project, monkeypatch):
    """In the project's own folder all is found by itself."""
    monkeypatch.chdir(project[0])
    _, said = _harness("init")
    assert _next(said) == [["harness", "run", "scenarios/first.py"], ["harness", "sweep"]]
    _, said = _harness("adopt")
    assert _next(said) == [["harness", "sweep"], ["harness", "run", "scenarios"]]


def test_adopt_names_the_files_and_the_load_that_it_was_given(project):
    """And the override where it was put."""
    (project[0] / "load.py").touch()
    _, said = _harness("adopt", "shop/compose.yml", "-o", "my own.yml", "--locustfile", "shop/load.py")
    sweep, begin = _next(said)
    assert sweep == ["harness", "sweep", "shop/compose.yml", "my own.yml", "--locustfile", "shop/load.py"]
    assert begin == ["harness", "init", "shop/compose.yml"]
    (project[0] / "scenarios").mkdir()
    _, said = _harness("adopt", "shop/compose.yml", "-o", "my own.yml", "--locustfile", "shop/load.py")
    _, run = _next(said)
    assert run == ["harness", "run", "-f", "shop/compose.yml", "-f", "my own.yml", "shop/scenarios"]


def test_what_was_seen_is_not_written_over_by_what_was_only_read(project, monkeypatch):
    """Without an engine nothing can be watched: an override that is there stays, unless that is asked for."""

    def nowhere():
        raise EngineError("there is no Docker Engine")

    monkeypatch.setattr(Engine, "connect", nowhere)
    kept = project[0] / "harness.override.yml"
    kept.write_text(_override(links="{}"))
    code, said = _harness("adopt", "shop/compose.yml")
    assert (code, "no Docker Engine" in said) == (6, True)
    assert kept.read_text() == _override(links="{}")
    assert _harness("adopt", "shop/compose.yml", "--watch", "0s")[0] == 0
    assert kept.read_text() == _override()


def test_what_is_there_is_kept_as_it_was(project):
    """A second time writes nothing over: neither the override, nor the locustfile, nor the scenario."""
    assert _harness("init", "shop/compose.yml")[0] == 0
    places = [project[0] / name for name in ("harness.override.yml", "locustfiles/visitor.py", "scenarios/first.py")]
    for one in places[1:]:
        one.write_text("mine\n")
    before = [one.read_text() for one in places]
    code, said = _harness("init", "shop/compose.yml")
    assert code == 0, said
    assert [one.read_text() for one in places] == before
