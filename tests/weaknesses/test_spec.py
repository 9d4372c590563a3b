"""weaknesses.toml: what it may say, and what is told of a wrong one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from harness import loader
from harness.errors import ScenarioError
from harness.weaknesses.plan import trials
from harness.weaknesses.run import OVERHEAD_S
from harness.weaknesses.spec import read
from target.settings import WEAKNESSES
from tests.weaknesses.planted import SCENARIOS, TOML, planned, write

ROOT = Path(__file__).parents[2]


def test_a_file_is_read_whole(tmp_path):
    """Weaknesses and scenarios in the order of the file."""
    spec = read(write(tmp_path))
    assert (spec.variable, spec.calm_runs) == ("WEAKNESS", 5)
    assert [one.name for one in spec.weaknesses] == ["slow", "fragile"]
    assert spec.scenarios == ("late", "gone")
    assert spec.weaknesses[1].variables == {"DAY_S": "2"}
    assert spec.scenario("gone") == tmp_path / "scenarios" / "gone.py"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"WEAKNESS"', "3", "variable must be a text"),
        ('variable = "WEAKNESS"', "", "given nothing"),
        ("calm_runs = 5", "calm_runs = -1", "calm_runs must be a whole number, 0 or more; given -1"),
        ("calm_runs", "calm_run", "unknown key 'calm_run'; allowed: .*did you mean 'calm_runs'"),
        ("checks", "check", "weaknesses.slow: unknown key 'check'"),
        ('["late"]', '["lat"]', "weaknesses.slow: unknown scenario 'lat'; .*did you mean 'late'"),
        ('["late"]', "[]", "weaknesses.slow.scenarios must list at least one name"),
        ('["LatencyBelow"]', '"LatencyBelow"', "weaknesses.slow.checks must list at least one name"),
        ("weaknesses.slow", "weaknesses.calm", "a run without any weakness is called calm"),
        ('{DAY_S = "2"}', "{DAY_S = 2}", "variables holds texts"),
        ("calm_runs = 5", 'code = ["src"]', "src does not exist"),
        ("calm_runs = 5", "calm_runs = ", "cannot be read"),
        (TOML[TOML.index("[weaknesses.slow]") :], "", "has no weaknesses; write"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_right(tmp_path, old, new, says):
    """What was given, what is allowed, and the nearest right name."""
    with pytest.raises(ScenarioError, match=says):
        read(write(tmp_path, TOML.replace(old, new, 1)))


def test_a_file_that_is_not_there_is_told_with_what_to_do(tmp_path):
    """No traceback for who has none yet."""
    with pytest.raises(ScenarioError, match="does not exist; write one"):
        read(tmp_path / "weaknesses.toml")


def test_calm_goes_first_once_a_scenario_and_the_rest_last(tmp_path):
    """That the sound target passes is known before anything else is tried."""
    made = [one.name for one in planned(tmp_path)]
    weak = ["slow in late", "fragile in late", "fragile in gone"]
    assert made == ["calm late 1", "calm gone 1", *weak, "calm late 2", "calm gone 2", "calm late 3"]


def test_a_run_has_its_weakness_its_variables_and_its_length(tmp_path):
    """Calm runs have no weakness, and each a seed of its own."""
    by_name = {one.name: one for one in planned(tmp_path)}
    assert by_name["fragile in gone"].variables == {"DAY_S": "2", "WEAKNESS": "fragile"}
    assert by_name["fragile in gone"].expected == ("Availability", "Recovers")
    assert by_name["fragile in late"].expected == ("Availability",)
    assert by_name["calm late 3"].variables == {}
    assert [by_name[f"calm late {number}"].seed for number in (1, 2, 3)] == [7, 8, 9]
    assert by_name["slow in late"].seconds == 11


def test_names_choose_weaknesses_and_leave_out_calm(tmp_path):
    """Unless a number of calm runs is asked for, which are then of their scenarios."""
    assert [one.name for one in planned(tmp_path, only=["slow"])] == ["slow in late"]
    assert [one.name for one in planned(tmp_path, only=["slow"], calm=2)][::2] == ["calm late 1", "calm late 2"]
    with pytest.raises(ScenarioError, match=r"unknown weakness 'slwo'; .*did you mean 'slow'"):
        planned(tmp_path, only=["slwo"])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('["LatencyBelow"]', '["Latency"]', "unknown check 'Latency'; late defines: Availability, LatencyBelow"),
        ('["Availability", "Recovers"]', '["Recovers"]', "late has none of the checks Recovers; it has LatencyBelow"),
    ],
)
def test_a_check_that_no_scenario_has_is_told(tmp_path, old, new, says):
    """A weakness that nothing could see is no row of a matrix."""
    spec = read(write(tmp_path, TOML.replace(old, new, 1)))
    with pytest.raises(ScenarioError, match=says):
        trials(spec, SCENARIOS)


def test_each_weakness_of_the_shop_is_tried_or_left_out_with_a_reason():
    """Who plants another must say what sees it."""
    held = tomllib.loads((ROOT / "weaknesses.toml").read_text(encoding="utf-8"))
    assert {*held["weaknesses"], *held["left_out"]} == WEAKNESSES
    assert {*held["weaknesses"]}.isdisjoint(held["left_out"])
    assert held["calm_runs"] >= 20


def test_the_matrix_of_the_shop_fits_its_scenarios_and_takes_less_than_40_minutes():
    """Each weakness has a check that could see it, in a scenario that is short enough."""
    spec = read(ROOT / "weaknesses.toml")
    made = trials(spec, {name: loader.load(spec.scenario(name)).scenario for name in spec.scenarios})
    assert sum(one.seconds + OVERHEAD_S for one in made) < 40 * 60


def test_the_file_of_the_docs_is_one(tmp_path):
    """Whatever a reader copies is read."""
    page = (ROOT / "docs" / "weaknesses.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    for name in ("scenarios", "src"):
        (tmp_path / name).mkdir()
    for name in ("Dockerfile", "scenarios/search-slow.py", "scenarios/search-gone.py"):
        (tmp_path / name).touch()
    (tmp_path / "weaknesses.toml").write_text(text, encoding="utf-8")
    spec = read(tmp_path / "weaknesses.toml")
    assert (spec.variable, spec.weaknesses[0].variables) == ("FLAW", {"SEARCH_TTL_S": "0"})
