"""The scenario of a bad cell: it loads, it is laid out as ruff would, it fails today and passes once mended."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from harness import Kill
from harness.checks.judge import judge_baseline
from harness.checks.recovers import Recovers
from harness.loader import load
from harness.plan import kind_of, parameters_of
from harness.record import Outcome, Word
from harness.sweep.scenario_file import scenario_files
from tests.sweep.planted import gives_up, link, planted, refused, service, slower, some, waits

BAD = {
    "hard dependency": link("web-db", "outage", {"*": refused()}),
    "one endpoint": link("web-reviews", "reset", {"GET /reviews": refused()}),
    "a third lost": service("search", "freeze", {"GET /catalogue": some(0.33, refused())}),
    "no timeout": link("web-search", "blackhole", {"*": waits()}),
    "no timeout, ok after the heal": link("web-search", "blackhole", {"*": waits(Outcome.OK)}),
    "one endpoint waits": link("web-search", "blackhole", {"POST /checkout": some(0.4, waits(Outcome.OK))}),
    "slow by two seconds": link("web-db", "latency", {"*": slower(2000)}, delay_ms=2000),
    "a fifth is slow": link("web-db", "latency", {"GET /catalogue": some(0.2, slower(2000))}, delay_ms=2000),
    "a timeout, and no fallback": link("orders-db", "blackhole", {"*": gives_up(1.0)}),
    "harmed only after": service("db", "kill", {}, dark_s=14.0, not_back=True),
    "does not come back": service("db", "kill", {"*": refused()}, dark_s=14.0, not_back=True),
}


def _loaded(tmp_path, plant):
    ((name, text),) = scenario_files(planted([plant]).matrix).items()
    (tmp_path / name).write_text(text, encoding="utf-8")
    return load(tmp_path / name)


def _words(scenario, plant):
    """What each of the scenario's checks says of a run in which that happens, and those of a baseline before it."""
    (window,) = scenario.faults
    cell = replace(plant.cell, window_s=window.end_s - window.start_s)
    made = planted([replace(plant, cell=cell)], seed=5, calm_s=window.start_s, between_s=scenario.recovery_s)
    before = judge_baseline(made.history, scenario.checks)
    assert {one.word for one in before} <= {Word.PASS}
    return {check.check(made.history).word for check in scenario.checks}


@pytest.mark.parametrize("name", BAD)
def test_it_fails_today_and_passes_once_mended(tmp_path, name):
    """Every check of the file, on a run of what the sweep saw, and on one of a stack that does not notice."""
    plant = BAD[name]
    scenario = _loaded(tmp_path, plant).scenario
    assert _words(scenario, plant) == {Word.FAIL}
    assert _words(scenario, replace(plant, behaviours={}, dark_s=0.0, not_back=False)) == {Word.PASS}
    assert any(isinstance(check, Recovers) for check in scenario.checks) == plant.not_back


@pytest.mark.parametrize("name", BAD)
def test_it_breaks_what_the_sweep_broke(tmp_path, name):
    """The same fault with the same parameters, under the same load, for as long at least; and it asks a question."""
    plant = BAD[name]
    loaded = _loaded(tmp_path, plant)
    (window,) = loaded.scenario.faults
    assert kind_of(window.fault) == plant.cell.fault
    assert {**parameters_of(window.fault, without=("link", "service"))}.items() >= plant.cell.parameters.items()
    assert plant.cell.subject in (getattr(window.fault, "link", ""), getattr(window.fault, "service", ""))
    assert window.end_s - window.start_s >= plant.cell.window_s
    assert (loaded.scenario.load.locustfile, loaded.scenario.load.rate_per_s) == ("shop.py", 60)
    assert loaded.question.endswith("?")


def test_every_file_is_laid_out_as_ruff_would(tmp_path):
    """A project that checks its scenarios can keep them as they are."""
    hostile = {'GET /a"long"/path/that/goes/on/and/on/and/on/{id}': 0.5, "GET /b\\d+'": 0.3, "GET /c": 0.2}
    made = [planted([plant]) for plant in BAD.values()]
    made.append(planted([link("web-db", "blackhole", {one: waits() for one in list(hostile)[:2]})], endpoints=hostile))
    for number, one in enumerate(made):
        for name, text in scenario_files(one.matrix).items():
            (tmp_path / f"{number}-{name}").write_text(text, encoding="utf-8")
            load(tmp_path / f"{number}-{name}")
    for what in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        config = ["--config", "pyproject.toml"]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *what, *config, str(tmp_path)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_kill_is_asked_for_as_it_was_swept(tmp_path):
    """With the links to the service cut."""
    plant = service("db", "kill", {"*": refused()})
    loaded = _loaded(tmp_path, replace(plant, cell=replace(plant.cell, parameters={"cut_links": True})))
    assert [window.fault for window in loaded.scenario.faults] == [Kill("db", cut_links=True)]


def test_it_asks_of_what_is_bad():
    """Not of the endpoint that lost a little, which is told and no failure, but of the one that takes so long."""
    hit = {"GET /catalogue": some(0.04, refused()), "GET /reviews": slower(2004)}
    made = planted([link("web-db", "latency", hit, delay_ms=2000, window_s=12.0)], rate_per_s=200)
    (text,) = scenario_files(made.matrix).values()
    assert text.startswith('"""Is nobody kept waiting')
    assert 'endpoint="GET /reviews"' in text
    assert "GET /catalogue" not in text


def test_one_file_for_a_row_and_a_kind_of_fault():
    """Of two strengths the one that did most harm; of two alike the weaker."""
    weak, strong = (link("web-db", "latency", {"*": slower(by)}, delay_ms=by) for by in (1500, 2000))
    ((name, text),) = scenario_files(planted([strong, weak]).matrix).items()
    assert name == "sweep-web-db-latency.py"
    assert "delay_ms=1500" in text
    down = link("web-db", "latency", {"*": gives_up(1.0)}, delay_ms=2000)
    (text,) = scenario_files(planted([weak, down]).matrix).values()
    assert "delay_ms=2000" in text


def test_what_is_not_bad_has_no_file():
    """Neither what is unharmed, a little slower or unknown, nor the entry that is down as it must be."""
    plants = [
        link("web-search", "outage"),
        link("web-db", "latency", {"*": slower(100)}, delay_ms=100),
        link("web-mail", "outage", crossed=False),
        service("web", "kill", {"*": refused()}),
    ]
    assert scenario_files(planted(plants).matrix) == {}


def test_a_rare_endpoint_is_given_time(tmp_path):
    """Its window and its baseline are long enough for its checks to know, and to ask for 99 %."""
    rare = {"GET /catalogue": 0.96, "GET /reviews": 0.04}
    made = planted([link("web-reviews", "outage", {"GET /reviews": refused()}, window_s=15)], endpoints=rare)
    ((name, text),) = scenario_files(made.matrix).items()
    assert "ok_ratio_min=0.99" in text
    (tmp_path / name).write_text(text, encoding="utf-8")
    scenario = load(tmp_path / name).scenario
    (window,) = scenario.faults
    plant = link("web-reviews", "outage", {}, window_s=window.end_s - window.start_s)
    mended = planted([plant], endpoints=rare, calm_s=window.start_s, between_s=20)
    assert {check.check(mended.history).word for check in scenario.checks} == {Word.PASS}
    assert {one.word for one in judge_baseline(mended.history, scenario.checks)} == {Word.PASS}
