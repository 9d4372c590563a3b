"""A drill from end to end on the embedded stack: what it records, what it shows, and that nothing of it is left."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.drill.records import chain
from tests.integration.conftest import _must_be_clean
from tests.integration.project import Project, wait_for

DRILL = '''"""Does it come back?"""
from harness import Drill, Kill, Load, Writes

drill = Drill(
    objective="It comes back.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(Kill("postgres"),),
    runbook="down",
    alert="DatabaseUnreachable",
    rto_s=40,
    writes=Writes("api", "/writes"),
    baseline_s=4,
    settle_s=2,
)
'''
RUNBOOK = """---
title: It is down
alerts: [DatabaseUnreachable]
services: [postgres]
drills: [short]
---
# It is down

## Symptoms
None.

## Pre-flight
### gone: Is it?
Takes 1 s, time-out 20 s.
```sh
test -d "$BACKUPS" && test -f "$HARNESS_STACK"
```
Expect: exit 0

## Procedure
### start: Start it
Takes 3 s, time-out 30 s.
```sh
harness stack start postgres
```
Expect: exit 0

## Verification
### look: It is up
Takes 1 s, time-out 20 s.
```sh
true
```
Expect: exit 0

## Rollback
None.

## Post-incident
None.
"""


class _Drilled(Project):
    """A project whose drills and runbooks are a test's."""

    @property
    def drills(self) -> Path:
        return self.folder / "reports" / "drills"

    def records(self) -> list[dict[str, Any]]:
        return [dict(one.body) for one in chain.read_chain(self.drills)]

    def newest(self) -> Path:
        """The run folder of the last drill."""
        return (self.drills / "short" / "latest").resolve()

    def its_marks(self) -> list[str]:
        path = self.newest() / "marks.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [json.loads(line)["kind"] for line in lines if line.endswith("}")]


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Drilled]:
    """Whatever it started must have ended."""
    project = _Drilled(tmp_path_factory.mktemp("drilled"))
    for name, text in (("drills/short.py", DRILL), ("runbooks/down.md", RUNBOOK)):
        (project.folder / name).parent.mkdir()
        (project.folder / name).write_text(text, encoding="utf-8")
    project.environment["HARNESS_DRILL_KEY"] = str(project.folder / "key.pem")
    yield project
    _must_be_clean(project)


def _folders(project: _Drilled) -> list[Path]:
    """What the stack of the latest drill had for itself: its own folder, and that of the backups."""
    body = json.loads((project.newest() / "stack.json").read_text(encoding="utf-8"))
    return [Path(one) for one in body["folders"]]


def test_a_drill_recovers_judges_every_write_and_leaves_a_record_and_a_page_and_nothing_else(drilled: _Drilled) -> None:
    """The database is killed under load, started by the runbook, and no write that was acknowledged is lost. Its page
    can be made again."""
    done = drilled.run("drill", "run", "short")
    assert done.returncode == 0, done.stdout
    (body,) = drilled.records()
    assert (body["verdict"]["word"], body["aborted"], body["runbook"]["failed_at"]) == ("pass", False, "")
    assert body["writes"]["kept"] > 5, body["writes"]
    assert {body["writes"][name] for name in ("lost", "duplicated", "phantom")} == {0}
    assert 0 < body["actual"]["rto_s"] <= 40
    assert [one["word"] for one in body["checks"]] == ["pass"] * 8
    for line in ("RTO ", "RPO 0.0 s", "steps: 3 of 3 executed", "record: 1"):
        assert line in done.stdout
    page = drilled.drills / body["folder"] / "report.html"
    shown = page.read_bytes()
    assert "It comes back." in shown.decode()
    page.unlink()
    assert drilled.run("report", str(page.parent)).returncode == 0
    assert page.read_bytes() == shown
    folders = _folders(drilled)
    assert len(folders) == 2
    assert not any(one.exists() for one in folders)


def test_a_drill_that_was_killed_leaves_nothing_and_the_next_verb_records_it(drilled: _Drilled) -> None:
    """kill -9 in the middle of the disaster: nobody can say that there was no such drill."""
    before, last = len(drilled.records()), drilled.newest()
    process = drilled.start("drill", "run", "short")
    try:
        wait_for(lambda: drilled.newest() != last and "disaster" in drilled.its_marks(), 60, "the disaster")
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
    wait_for(lambda: not any(one.exists() for one in _folders(drilled)), 40, "the guardian's taking down")
    said = drilled.run("drill", "list").stdout
    assert "was killed before its end" in said
    *_, body = drilled.records()
    assert len(drilled.records()) == before + 1
    assert (body["aborted"], body["verdict"]["word"]) == (True, "unknown")
    assert not list(drilled.drills.glob(".running-*.json"))
