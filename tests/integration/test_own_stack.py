"""Runs that start a stack for themselves: nothing of it is left, however they end."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.integration.project import Project, short, wait_for, words

SLOW = 'during(4, 6, Latency("api-payments", delay_ms=300))'
LONG = 'during(4, 40, Latency("api-payments", delay_ms=300))'


def _pid(project: Project, scenario: str, service: str) -> int:
    body = json.loads((project.folder / "reports" / scenario / "latest" / "stack.json").read_text(encoding="utf-8"))
    if service == "load":
        return int(next(one["pid"] for one in body["owned"] if one["name"] == "load"))
    return int(body["services"][service]["pid"])


def _temporary(project: Project, scenario: str) -> list[Path]:
    body = json.loads((project.folder / "reports" / scenario / "latest" / "stack.json").read_text(encoding="utf-8"))
    return [Path(folder) for folder in body["folders"]]


@pytest.mark.parametrize("service", ["toxiproxy", "postgres", "load"])
def test_what_dies_in_mid_run_makes_it_unknown(project: Project, service: str) -> None:
    """A dead part ends the run with exit 4 and names the part and its log; all else is taken down."""
    project.scenario("dying", short(LONG, duration_s="45"))
    process = project.start("run", "scenarios/dying.py")
    project.wait_for_mark("dying", "injected")
    os.kill(_pid(project, "dying", service), signal.SIGKILL)
    said, _ = process.communicate(timeout=40)
    assert process.returncode == 4, said
    assert "Traceback" not in said
    assert f"{'the load process' if service == 'load' else service} died at" in said
    assert words(project.latest("dying"))["Run complete"] == "unknown"
    assert project.latest("dying").report.is_file()


def test_the_guardian_takes_down_what_a_killed_harness_started(project: Project) -> None:
    """kill -9 leaves no process and no folder."""
    project.scenario("killed", short(LONG, duration_s="45"))
    process = project.start("run", "scenarios/killed.py")
    project.wait_for_mark("killed", "injected")
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: not project.left_over(), 15, "the end of every process")
    assert not any(folder.exists() for folder in _temporary(project, "killed"))


def test_a_harness_that_is_killed_while_it_starts_leaves_nothing(project: Project) -> None:
    """The state is on disk from the first process on."""
    project.scenario("early", short(SLOW))
    process = project.start("run", "scenarios/early.py")
    state = project.folder / "reports" / "early" / "latest" / "stack.json"
    wait_for(lambda: state.is_file() and '"postgres"' in state.read_text(encoding="utf-8"), 30, "PostgreSQL's start")
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: not project.left_over(), 15, "the end of every process")


def test_sigterm_ends_a_run_with_143(project: Project) -> None:
    """As a CI system does it; healed and taken down."""
    project.scenario("termed", short(LONG, duration_s="45"))
    process = project.start("run", "scenarios/termed.py")
    project.wait_for_mark("termed", "injected")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 143, said


def test_ctrl_c_while_the_stack_starts_ends_at_once(project: Project) -> None:
    """Nothing waits for a stack that is no longer wanted."""
    project.scenario("early", short(SLOW))
    process = project.start("run", "scenarios/early.py")
    state = project.folder / "reports" / "early" / "latest" / "stack.json"
    wait_for(state.is_file, 30, "the stack's first process")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("raise RuntimeError('no such luck')", "no such luck"),
        ("import nowhere", "nowhere"),
        ("x = 1", "no user"),
        ("def (", "bad.py:1"),
    ],
)
def test_a_locustfile_that_cannot_drive_load_is_told(project: Project, broken: str, says: str) -> None:
    """Exit 2, with what is wrong in it."""
    (project.folder / "bad.py").write_text(broken + "\n", encoding="utf-8")
    project.scenario("bad", short(SLOW).replace("shop.py", "bad.py"))
    done = project.run("run", "scenarios/bad.py")
    assert done.returncode == 2, done.stdout
    assert says in done.stdout


def test_a_service_that_cannot_start_shows_its_log(project: Project) -> None:
    """Exit 6, with the end of the log that says why."""
    project.scenario("weak", short(SLOW))
    done = project.run("run", "scenarios/weak.py", WEAKNESS="no-such")
    assert done.returncode == 6, done.stdout
    assert "unknown WEAKNESS no-such" in done.stdout


def test_reports_that_cannot_be_written_are_told_before_anything_starts(project: Project) -> None:
    """A file where the folder should be, a folder that takes no writes: exit 2 and what to do."""
    project.scenario("calm", short(SLOW))
    (project.folder / "taken").write_text("not a folder", encoding="utf-8")
    done = project.run("run", "scenarios/calm.py", "--reports", "taken")
    assert done.returncode == 2, done.stdout
    assert "--reports" in done.stdout


COMPOSE = """
services:
  api: {image: any, volumes: ["./mine:/backups"]}
  toxiproxy: {image: any}
  postgres:
    image: postgres
    environment: {POSTGRES_PASSWORD: shop, PGDATA: /pg/data}
    volumes: ["./mine:/pg", "./mine/file:/docker-entrypoint-initdb.d/init.sql:ro"]
x-harness:
  entry: api:8000
  toxiproxy: toxiproxy
  links: {db: {client: api, service: postgres, listen: 15432, upstream: 5432}}
  processes:
    api:
      command: [sh, -c, "touch /backups/theirs; exec python3 -m http.server --bind 127.0.0.1 $PORT"]
      port_variable: PORT
      port: 8000
    postgres: {port: 5432}
"""


def test_a_folder_of_the_users_is_as_it_was(project: Project) -> None:
    """Where a service would keep data or backups in it: the stack keeps them in folders of its own. It has no tap."""
    (project.folder / "docker-compose.yml").write_text(COMPOSE, encoding="utf-8")
    mine = project.folder / "mine"
    mine.mkdir()
    (mine / "file").touch()
    before = _seen(mine)
    try:
        done = project.run("stack", "up")
        assert done.returncode == 0, done.stdout
        shown = project.run("stack", "exec", "postgres", "--", "psql", "-Atc", "show data_directory").stdout
        assert str(project.folder) not in shown
    finally:
        project.run("stack", "down")
    assert _seen(mine) == before


def _seen(folder: Path) -> list[tuple[str, int, int, int]]:
    """Of a folder and what is in it: the name, the owner, the mode, and when it was written."""
    found = [(one.name, one.stat()) for one in (folder, *folder.iterdir())]
    return [(name, stat.st_uid, stat.st_mode, stat.st_mtime_ns) for name, stat in found]
