"""The files of drills/: what is wrong in one is told, and those of the project are right."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from harness.drill import loader
from harness.drill.model import Drill
from harness.drill.planning import plan_of
from harness.errors import HarnessError, ScenarioError
from harness.stack.compose_file import read_compose_file

ROOT = Path(__file__).parents[2]
DRILLS = sorted((ROOT / "drills").glob("*.py"))
GOOD = """\"\"\"Does it come back?\"\"\"
from harness import Drill, Kill, Load, LoseData, Writes

drill = Drill(
    objective="It comes back.",
    load=Load("shop.py", rate_per_s=5),
    disaster=(Kill("postgres"),),
    runbook="down",
    answers={"decide": "start"},
    rto_s=30,
)
"""
RUNBOOK = """---
title: It is down
alerts: []
services: [postgres]
drills: [one]
---
# It is down

## Symptoms
None.

## Pre-flight
### decide: How?
Decision: `start` | `restore`. Look.

## Procedure
### start: Start it
Takes 1 s, time-out 5 s.
```sh
true
```
Expect: exit 0

## Verification
### look: It is up
Takes 1 s, time-out 5 s.
```sh
true
```
Expect: exit 0

## Rollback
None.

## Post-incident
None.
"""


def _load(tmp_path, text=GOOD):
    for name in ("drills", "runbooks"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "runbooks" / "down.md").write_text(RUNBOOK, encoding="utf-8")
    path = tmp_path / "drills" / "one.py"
    path.write_text(text, encoding="utf-8")
    return loader.load(path)


def test_a_decision_without_an_answer_is_refused_before_anything_is_destroyed(tmp_path):
    """It is named with its options."""
    with pytest.raises(ScenarioError, match=r"decision decide of .* has no answer.* one of start, restore"):
        _load(tmp_path, GOOD.replace('    answers={"decide": "start"},\n', ""))


def test_a_decision_that_the_answers_pass_by_needs_none(tmp_path, monkeypatch):
    """Only where its `When` holds is it taken; no step that is passed by, nor one of the rollback, can be sabotaged."""
    how = "When `decide` is `restore`. "
    step = "### which: Which\nDecision: `new` | `old`. " + how + "\n\n### put: Put it back\n" + how
    step += "Takes 1 s, time-out 5 s.\n```sh\ntrue\n```\nExpect: exit 0\n\n"
    undo = "### undo: Undo it\nTakes 1 s, time-out 5 s.\n```sh\ntrue\n```\nExpect: exit 0\n"
    text = RUNBOOK.replace("### start", step + "### start").replace("Rollback\nNone.\n", "Rollback\n" + undo)
    monkeypatch.setattr("tests.drill.test_drill_files.RUNBOOK", text)
    loaded = _load(tmp_path)
    loader.check_sabotage(loaded, "start")
    for name in ("put", "undo"):
        with pytest.raises(ScenarioError, match=f"step {name} of .* is not reached in drill one.* start, look"):
            loader.check_sabotage(loaded, name)
    with pytest.raises(ScenarioError, match=r"decision which of .* has no answer"):
        _load(tmp_path, GOOD.replace('"start"', '"restore"'))


def test_a_good_file_gives_its_drill_with_its_runbook(tmp_path):
    """The question is the first line of its docstring."""
    loaded = _load(tmp_path)
    assert (loaded.name, loaded.question, loaded.runbook.name) == ("one", "Does it come back?", "down")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("from harness import", "import os\nfrom harness import", "a drill imports harness only"),
        ("drill = Drill(", "other = Drill(", "defines no drill"),
        ('runbook="down"', 'runbook="dwon"', "did you mean 'down'"),
        ('"decide": "start"', '"decided": "start"', "did you mean 'decide'"),
        ('"decide": "start"', '"decide": "strat"', "did you mean 'start'"),
        ('(Kill("postgres"),)', 'Kill("postgres")', "disaster must be a tuple"),
        ("rto_s=30", "rto_s=0", "rto_s must be more than 0"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_allowed(tmp_path, old, new, says):
    """No drill begins with a file that it cannot finish."""
    with pytest.raises(HarnessError) as caught:
        _load(tmp_path, GOOD.replace(old, new))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("disaster", "kind", "says"),
    [
        ('(Kill("postgrs"),)', "embedded", "did you mean 'postgres'"),
        ('(Outage("api-postgrs"),)', "embedded", "did you mean 'api-postgres'"),
        ('(Partition("api"),)', "embedded", "partition needs --stack docker"),
    ],
)
def test_a_disaster_that_the_stack_cannot_have_is_refused_before_it_starts(tmp_path, disaster, kind, says):
    """By name, with what is there."""
    text = GOOD.replace("import Drill", "import Outage, Partition, Drill").replace('(Kill("postgres"),)', disaster)
    spec = read_compose_file(ROOT / "docker-compose.yml", {})
    with pytest.raises(ScenarioError) as caught:
        loader.check(_load(tmp_path, text), spec, kind)
    assert says in str(caught.value)


@pytest.mark.parametrize("path", DRILLS, ids=lambda path: path.stem)
def test_every_drill_of_the_project_fits_its_stack_and_its_runbook(path):
    """It loads, its stack has what it breaks, its runbook tells of it, and its plan leaves time for its objective."""
    loaded = loader.load(path)
    loader.check(loaded, read_compose_file(ROOT / "docker-compose.yml", {}), "embedded")
    assert loaded.name in loaded.runbook.drills
    assert not loaded.drill.alert or loaded.drill.alert in loaded.runbook.alerts
    assert {step.id for step in loaded.runbook.steps if step.options} == set(loaded.drill.answers)
    plan = plan_of(loaded.name, loaded.drill)
    assert plan.ledger
    assert plan.load_end_s > loaded.drill.baseline_s + loaded.drill.rto_s + loaded.drill.settle_s


def test_a_step_to_be_sabotaged_must_have_a_command(tmp_path):
    """A decision does nothing that could be left out."""
    with pytest.raises(ScenarioError, match="look, start"):
        loader.check_sabotage(_load(tmp_path), "decide")


def test_the_page_says_each_default_as_it_is():
    """A table of the fields that no example shows."""
    page = (ROOT / "docs" / "run-a-quarterly-drill.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+)(?:, a quarter)? \|$", page, re.MULTILINE))
    assert len(said) == 6
    defaults = {one.name: one.default for one in dataclasses.fields(Drill)}
    assert {name: float(value) for name, value in said.items()} == {name: defaults[name] for name in said}
