"""`harness sweep` as a command: what it refuses before anything starts, and what it shows whatever happens."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import sweeping
from harness.cli import app, sweeps
from harness.cli.app import spec_of
from harness.ending import COMPLETE, Ending
from harness.errors import StartError
from harness.sweep import record
from harness.sweep.run import Outcome
from tests.sweep.planted import link, planted, refused, sweep_folder

ROOT = Path(__file__).parents[1]
SHOP = ("--locustfile", str(ROOT / "locustfiles" / "shop.py"), "--stack", "embedded")
STRANGER = "services:\n  web:\n    image: web\n    ports: ['80:80']\n"


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """The command as it is given in the folder of the shop, which runs nothing: (its exit code, what it said)."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sweeping, "execute", lambda *_: Outcome(Ending(COMPLETE), baseline_bad=False))

    def done(*arguments):
        result = CliRunner().invoke(app, ["sweep", "--reports", str(tmp_path / "reports"), *arguments])
        error = result.exception
        return getattr(error, "exit_code", result.exit_code), f"{result.output}\n{error or ''}"

    return done


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A project without x-harness, in which what is found has the links of the shop; how often it was brought up."""
    spec = spec_of([ROOT / "docker-compose.yml"], "embedded")
    brought_up = []
    monkeypatch.setattr(sweeps, "discover", lambda *_: brought_up.append(1))
    monkeypatch.setattr(sweeps, "write", lambda *given: given[-1].write_text("x-harness: {}\n"))
    monkeypatch.setattr(sweeps, "spec_of", lambda *_: spec)
    (tmp_path / "compose.yml").write_text(STRANGER)
    return str(tmp_path / "compose.yml"), brought_up


@pytest.mark.parametrize("given", [["--entry", "api:8000"], ["--strict"], ["--watch", "6s"]])
def test_what_an_x_harness_leaves_nothing_to_do_is_refused(sweep, tmp_path, given):
    """By name, with what to do instead: it would be ignored."""
    code, said = sweep(*SHOP, *given)
    assert code == 2
    assert f"{given[0]} would do nothing: the x-harness of" in said
    assert "edit it, or remove it" in said
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("given", "exit_code", "says"),
    [
        (["--rate", "0"], 2, "--rate"),
        (["--budget", "10x"], 2, "--budget"),
        (["--budget", "43s"], 2, "too short for a single cell; give 44 s or more"),
        (["--fail-on", "slowr"], 2, "slower"),
        (["--stack", "dokcer"], 6, "did you mean 'docker'"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_brought_up(sweep, tmp_path, stranger, given, exit_code, says):
    """Nor is a folder made, which `latest` would point to."""
    path, brought_up = stranger
    code, said = sweep(path, *SHOP, *given)
    assert (code, brought_up) == (exit_code, [])
    assert says in said
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("given", [["--only", "nothing"], ["--only", "blackhole", "--budget", "45s"]])
def test_what_fits_no_cell_makes_no_folder(sweep, tmp_path, stranger, given):
    """It is known only when the links are."""
    path, brought_up = stranger
    code, _ = sweep(path, *SHOP, *given)
    assert (code, brought_up) == (2, [1])
    assert not (tmp_path / "reports").exists()


def test_the_override_is_kept_with_the_sweep(sweep, tmp_path, stranger):
    """What was found and broken can be read beside its matrix."""
    sweep(stranger[0], *SHOP)
    (kept,) = (tmp_path / "reports/sweep/latest").glob("*.yml")
    assert kept.name == "harness.override.yml"


@pytest.mark.parametrize(("given", "budget_s"), [([], math.inf), (["--budget", "30m"], 1800.0)])
def test_the_budget_bounds_the_runs(sweep, monkeypatch, given, budget_s):
    """Not the plan alone."""
    seen = []
    monkeypatch.setattr(
        sweeping, "execute", lambda *all_of_it: seen.append(all_of_it[-1]) or Outcome(Ending("x"), False)
    )
    sweep(*SHOP, *given)
    assert seen == [budget_s]


def _ended(ending: Ending | Exception, *, saw_something: bool = True, baseline_bad: bool = False):
    """In place of the runs: one that saw a cell, unless it saw nothing, and how the sweep ended after it."""

    def execute(sweep, trials, folder, *_):
        if saw_something:
            made = planted([link("web-db", "outage", {"*": refused()})])
            sweep_folder(folder.path, made)
        else:
            (folder.path / "runs/1").mkdir(parents=True)
            record.write(folder.sweep, replace(sweep, runs=("runs/1",)))
        if isinstance(ending, Exception):
            raise ending
        return Outcome(ending, baseline_bad)

    return execute


@pytest.mark.parametrize(
    ("ended", "exit_code", "says"),
    [
        (_ended(StartError("the second stack does not start")), 6, "the second stack does not start"),
        (_ended(Ending("x", still_broken=("web is paused",))), 5, "web is paused"),
        (_ended(Ending("interrupted", signal=2)), 130, "interrupted by signal 2"),
        (_ended(Ending("baseline"), baseline_bad=True), 3, "nothing was swept"),
        (_ended(Ending(COMPLETE)), 0, ""),
    ],
)
def test_what_was_seen_is_shown_however_it_ended(sweep, tmp_path, monkeypatch, ended, exit_code, says):
    """The matrix first, then why it is not whole."""
    monkeypatch.setattr(sweeping, "execute", ended)
    code, said = sweep(*SHOP)
    assert code == exit_code
    assert "web cannot live without db" in said.partition(says or "\n\n")[0]
    assert (tmp_path / "reports/sweep/latest/report.html").is_file()


@pytest.mark.parametrize(
    ("ended", "exit_code"),
    [
        (_ended(Ending("interrupted", signal=2), saw_something=False), 130),
        (_ended(StartError("no stack"), saw_something=False), 6),
    ],
)
def test_a_sweep_that_saw_nothing_has_no_page(sweep, tmp_path, monkeypatch, ended, exit_code):
    """It ends as it must, without a word of missing files."""
    monkeypatch.setattr(sweeping, "execute", ended)
    code, said = sweep(*SHOP)
    assert code == exit_code
    assert "missing" not in said
    assert not (tmp_path / "reports/sweep/latest/report.html").exists()


def test_a_page_that_cannot_be_written_hides_no_trouble(sweep, monkeypatch, tmp_path):
    """What is still broken is told, though the disk is full."""
    from harness.errors import RunFolderError
    from harness.report import sweep as page

    def full(_):
        raise RunFolderError("No space left on device")

    monkeypatch.setattr(sweeping, "execute", _ended(Ending("x", still_broken=("web is paused",))))
    monkeypatch.setattr(page, "build", full)
    code, said = sweep(*SHOP)
    assert (code, "web is paused" in said) == (5, True)
    monkeypatch.setattr(sweeping, "execute", _ended(Ending(COMPLETE)))
    assert sweep(*SHOP)[0] == 2
    assert os.listdir(tmp_path / "reports/sweep/latest/runs") == ["1"]
