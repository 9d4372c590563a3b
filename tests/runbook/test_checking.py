"""What has died in a runbook is found; what is alive is left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import RunbookError
from harness.runbook import checking
from harness.runbook.checking import Known, Ran, Rule
from harness.runbook.model import Runbook
from harness.runbook.reading import read
from tests.runbook.books import FRONT, book, step

ROOT = Path(__file__).parents[2]
KNOWN = Known(("db", "web"), (Rule("Down", "down"),), {"db-down": "down"})
RULES = """
groups:
  - name: shop
    rules:
      - alert: Down
        annotations: {runbook_url: "{{ $externalLabels.runbooks }}/down.md"}
      - {record: some:rate, expr: "rate(some[1m])"}
      - {alert: Unled}
"""


def test_a_runbook_that_is_alive_is_left_alone(tmp_path: Path):
    """No false alarm: known names, links that lead somewhere, addresses elsewhere, code that looks like a link."""
    (tmp_path / "other.md").touch()
    prose = "See [other](other.md#do), [the web](https://example.org/x.md), `[0-9](x)` and [below](#look)."
    steps = step(
        "do", 'harness stack start db; harness stack exec "$one" -- true; harness stack alerts Down', more=prose
    )
    assert list(checking.troubles(book(tmp_path, do=steps), KNOWN)) == []


@pytest.mark.parametrize(
    ("known", "line", "said"),
    [
        (replace(KNOWN, services=("dbase",)), 4, "unknown service 'db'; the stack defines: dbase; did you mean"),
        (replace(KNOWN, rules=(Rule("Downs", "down"),)), 3, "unknown alert 'Down'"),
        (replace(KNOWN, drills={}), 5, "unknown drill 'db-down'"),
        (replace(KNOWN, drills={"db-down": "other"}), 5, "executes the runbook other, not this one"),
    ],
)
def test_a_name_in_the_front_matter_that_is_not_there_is_told(tmp_path: Path, known: Known, line: int, said: str):
    """With its line."""
    (found,) = checking.troubles(book(tmp_path), known)
    assert found.startswith(f"{tmp_path / 'down.md'}:{line}: ")
    assert said in found


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("harness stack restart wep", "do: unknown service 'wep'"),
        ("harness stack alerts Down Dwon", "do: unknown alert 'Dwon'"),
    ],
)
def test_a_name_in_a_command_that_is_not_there_is_told(tmp_path: Path, command: str, said: str):
    """At night nobody guesses the right one."""
    (found,) = checking.troubles(book(tmp_path, do=step("do", command)), KNOWN)
    assert said in found


def test_a_dead_link_is_told(tmp_path: Path):
    """To a scenario, a dashboard, another runbook: any file."""
    (found,) = checking.troubles(book(tmp_path, after="See [the dashboard](../dashboards/db.json)."), KNOWN)
    assert "the link to ../dashboards/db.json is dead" in found


def test_a_runbook_without_a_drill_is_told(tmp_path: Path):
    """Nothing proves it."""
    (found,) = checking.troubles(book(tmp_path, front=FRONT.replace("drills: [db-down]\n", "")), KNOWN)
    assert "no drill proves it" in found


def test_of_what_is_not_known_nothing_is_said(tmp_path: Path):
    """Where there is no Compose file and no rules."""
    assert list(checking.troubles(book(tmp_path), replace(KNOWN, services=None, rules=None))) == []


def test_alerts_that_lead_nowhere_are_told(tmp_path: Path):
    """To no runbook, to one that is not there, or to one that does not know of them."""
    (tmp_path / "rules.yml").write_text(RULES, encoding="utf-8")
    rules = checking.rules_in([tmp_path / "rules.yml"])
    assert rules == [Rule("Down", "down"), Rule("Unled", "")]
    assert list(checking.unled([book(tmp_path)], rules)) == [
        "the alert Unled names no runbook; give its rule the annotation runbook_url"
    ]
    lost = [Rule("Down", "gone"), Rule("Up", "down")]
    assert [one.partition(" leads ")[2] for one in checking.unled([book(tmp_path)], lost)] == [
        "to gone.md, which is not there",
        "to down.md, which does not list it in its alerts",
    ]


def test_rules_that_are_no_yaml_are_refused(tmp_path: Path):
    """And name their file."""
    (tmp_path / "rules.yml").write_text("groups: [", encoding="utf-8")
    with pytest.raises(RunbookError, match=r"rules\.yml is not YAML"):
        checking.rules_in([tmp_path / "rules.yml"])


def _body(executed: dict[str, float], at: str) -> dict:
    steps = [{"id": name, "executed": name in executed, "took_s": executed.get(name, 0)} for name in ("do", "prove")]
    return {"started_at": at, "runbook": {"runbook": "down", "steps": steps}}


def test_a_step_that_no_record_executed_is_told(tmp_path: Path):
    """One that was passed over counts for nothing, one of an earlier drill counts."""
    one = book(tmp_path, back=step("back"))
    ran = checking.ran_of(
        [_body({"do": 1, "prove": 1}, "2026-01-01"), _body({"do": 2}, "2026-02-01"), {"runbook": None}]
    )
    assert (ran["down"].took_s, ran["down"].last_at) == ({"do": 2, "prove": 1}, "2026-02-01")
    (found,) = checking.never_ran(one, ran["down"])
    assert found.endswith("no drill ever executed back (line 31)")
    assert list(checking.never_ran(one, Ran({"do": 1, "prove": 1, "back": 1}))) == []


def _executed(one: Runbook, version: str, **more: object) -> dict[str, Ran]:
    steps = [
        {"id": step.id, "executed": True, "took_s": 1, "command_sha256": step.command_sha256, **more}
        for step in one.steps
    ]
    return checking.ran_of([{"runbook": {"runbook": "down", "version": version, "steps": steps}}])


def test_a_step_whose_command_changed_since_was_not_executed(tmp_path: Path):
    """What a drill executed then is another command; prose may change."""
    ran = _executed(book(tmp_path), "before")["down"]
    changed = book(tmp_path, do=step("do", "echo other"), after="Other prose.")
    assert [one.partition(": ")[2] for one in checking.never_ran(changed, ran)] == [
        "no drill executed, since their commands changed, do (line 13)"
    ]
    assert checking.other_version(changed, ran) == ""


def test_a_record_that_keeps_no_commands_is_told_where_the_version_is_another(tmp_path: Path):
    """It is believed, and the reader is told that it may not be so."""
    one = book(tmp_path)
    other = _executed(one, "before", command_sha256="")["down"]
    assert list(checking.never_ran(one, other)) == []
    assert "last executed in another version of this runbook (before, it is" in checking.other_version(one, other)
    assert checking.other_version(one, _executed(one, one.version, command_sha256="")["down"]) == ""


def test_a_step_that_was_sabotaged_was_not_executed(tmp_path: Path):
    """It did nothing, on purpose."""
    steps = [{"id": "do", "executed": True, "took_s": 1}]
    assert checking.ran_of([{"sabotage": "do", "runbook": {"runbook": "down", "steps": steps}}])["down"].took_s == {}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo a\nif true; then echo b", "down.md:18: do: sh does not understand the command: "),
        ("harness stack strat db", "do: unknown verb 'stack strat'"),
        ("echo a | harness stak start db", "do: unknown verb 'stak'"),
    ],
)
def test_a_command_that_cannot_be_executed_is_told(tmp_path: Path, command: str, said: str):
    """sh does not understand it, or the harness has no such verb."""
    known = replace(KNOWN, verbs={"stack": ("start", "stop"), "heal": ()})
    (found,) = checking.troubles(book(tmp_path, do=step("do", command)), known)
    assert said in found


def test_verbs_that_are_there_are_left_alone(tmp_path: Path):
    """So are words that only speak of the harness."""
    known = replace(KNOWN, verbs={"stack": ("start", "stop"), "heal": ()})
    command = 'x=$(harness stack stop db); harness heal now; harness --version; harness stack -h; echo "the harness is"'
    assert list(checking.troubles(book(tmp_path, do=step("do", command)), known)) == []


def test_alerts_of_the_harness_itself_are_known(tmp_path: Path):
    """No rule makes them."""
    known = replace(KNOWN, rules=(), own_alerts=("Down",))
    assert list(checking.troubles(book(tmp_path), known)) == []


def test_a_step_that_takes_much_longer_than_it_says_is_told(tmp_path: Path):
    """Whoever waits for it at night must know."""
    (found,) = checking.slow(book(tmp_path), Ran({"do": 9, "prove": 0.2}))
    assert "do: says that it takes 0.1 s, and took 9.0 s" in found


def test_the_runbook_of_the_docs_is_one(tmp_path: Path):
    """Whatever a reader copies is read."""
    text = (ROOT / "docs" / "write-a-runbook.md").read_text(encoding="utf-8")
    example = text.split("````markdown\n")[1].split("````")[0]
    (tmp_path / "cache-down.md").write_text(example, encoding="utf-8")
    assert [one.id for one in read(tmp_path / "cache-down.md").steps][:3] == ["look", "decide", "drop"]
