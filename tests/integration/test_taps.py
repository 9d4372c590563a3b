"""The tap and the outpost as parts of a stack: what they hear is kept, what is broken through them is put back."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import requests

from harness import history
from harness.stack import state as states
from harness.stack.state import StackState
from harness.tap.client import TapClient
from harness.tap.rules import Status
from tests.integration.project import Project, short, wait_for, words

REFUSED = 'during(4, 6, HttpStatus("api-payments", code=503), name="refused")'
HUNG = 'during(4, 60, HttpHang("api-payments"))'
TOLD = 'AccountSays("etl", "/invoices", "stale", True, within_s=1, every_s=0.2)'


def _state(project: Project) -> StackState:
    return states.read(project.folder / ".harness" / "stack.json")


def _rules(project: Project) -> list[str]:
    """The names of all rules that are in force."""
    links = TapClient(_state(project).tap).links().values()
    return [rule.name for link in links for _, rule in link.rules]


def _checkout(project: Project) -> str:
    basket = {"product_id": 1, "quantity": 1, "customer": "a test"}
    said = requests.post(f"{_state(project).entry}/checkout", json=basket, timeout=5).json()
    return str(said["status"])


def test_a_fault_on_requests_is_felt_recorded_and_taken_off(kept: Project) -> None:
    """Each attempt bears the window's name while it is in, and no rule is left after."""
    kept.scenario("refused", short(REFUSED))
    done = kept.run("run", "scenarios/refused.py")
    assert done.returncode == 0, done.stdout
    assert words(kept.latest("refused"))["Fault felt: refused"] == "pass"
    seen = history.read(kept.latest("refused"))
    assert seen.attempts is not None
    struck = seen.attempts[seen.attempts["injected"] == "refused"]
    assert set(struck["status"]) == {503}
    assert set(struck["link"]) == {"api-payments"}
    assert struck["started_s"].between(3.9, 6.1).all()
    assert _rules(kept) == []


def test_what_services_say_of_themselves_and_alerts_are_heard(kept: Project) -> None:
    """Through the outpost: accounts that a check asks for, and notices, for which the stack knows the webhook."""
    kept.scenario("told", short(REFUSED, checks=[TOLD], duration_s="9"))
    done = kept.run("run", "scenarios/told.py")
    seen = history.read(kept.latest("told"))
    assert done.returncode == 1, done.stdout  # payments is refused, so that no invoice is stale
    assert len(seen.accounts) > 10
    assert {(one.service, one.path, one.status) for one in seen.accounts} == {("etl", "/invoices", 200)}
    assert seen.notices is not None
    (heard,) = seen.marks_of("webhook")
    assert heard.data["variable"] == "ALERT_WEBHOOK_URL"


def test_a_rule_that_somebody_left_is_mended(kept: Project) -> None:
    """`harness heal` takes it off, and says so."""
    TapClient(_state(kept).tap).put("api-payments", Status(name="left behind", code=503))
    assert "the tap's rule left behind was in" in kept.run("heal").stdout
    assert _rules(kept) == []


def test_a_harness_that_is_killed_leaves_no_rule(kept: Project) -> None:
    """The guardian takes it off within five seconds: the requests that it held go on."""
    kept.scenario("hung", short(HUNG, duration_s="60"))
    process = kept.start("run", "scenarios/hung.py")
    kept.wait_for_mark("hung", "injected")
    assert len(_rules(kept)) == 1
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: _rules(kept) == [], 5, "healing by the guardian")
    wait_for(lambda: _checkout(kept) == "paid", 10, "a checkout that is paid")


def test_a_tap_that_dies_makes_the_run_unknown_and_is_started_again(kept: Project) -> None:
    """Nobody sees the attempts any more; the heal at the run's end gives it all its links again."""
    kept.scenario("died", short(REFUSED, duration_s="20"))
    process = kept.start("run", "scenarios/died.py")
    kept.wait_for_mark("died", "injected")
    os.kill(int(kept.status()["services"]["harness-tap"]["pid"]), signal.SIGKILL)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 4, said
    assert "harness-tap" in said
    wait_for(lambda: _checkout(kept) == "paid", 10, "a checkout that is paid")
    assert set(TapClient(_state(kept).tap).links()) == {"api-payments", "api-shipping", "etl-feed"}


def test_variables_of_a_scenario_reach_the_stack(project: Project) -> None:
    """A service that is told nonsense by one says so, with what it was told; the environment has the last word."""
    project.scenario("told", short(REFUSED, variables='{"DAY_S": "nonsense"}'))
    done = project.run("run", "scenarios/told.py")
    assert done.returncode == 6, done.stdout
    assert "DAY_S must be a number" in done.stdout
    assert "'nonsense'" in done.stdout
    last = project.run("run", "scenarios/told.py", DAY_S="rubbish")
    assert "'rubbish'" in last.stdout
    assert "nonsense" not in last.stdout


def test_a_variable_that_is_no_text_is_refused(project: Project, tmp_path: Path) -> None:
    """With the file, and what to write."""
    project.scenario("wrong", short(REFUSED, variables='{"DAY_S": 2}'))
    done = project.run("validate", "scenarios/wrong.py")
    assert done.returncode == 2
    assert "variables holds texts" in done.stdout


def test_a_scenario_that_needs_other_variables_than_the_kept_stack_has_is_refused(kept: Project) -> None:
    """It would judge another stack than it asks for."""
    kept.scenario("other", short(REFUSED, variables='{"FEED_RATIO": "2.01"}'))
    done = kept.run("run", "scenarios/other.py")
    assert done.returncode == 6, done.stdout
    assert "needs FEED_RATIO='2.01', and the kept stack was started with ''" in done.stdout
