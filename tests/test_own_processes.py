"""Our own processes in somebody's folder: what is called there as a module of Python's is not taken for it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.generator import Generator
from harness.guard import Guardian
from harness.order import Order

LOCUSTFILE = """
from locust import HttpUser, task
from neighbour import PATH
from journeys.home import HOME

class Visitor(HttpUser):
    @task
    def look(self):
        self.client.get(PATH + HOME)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, which is entered: modules that are called as Python's own, a locustfile that imports others."""
    for name in ("queue", "select", "signal", "uuid"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')\n", encoding="utf-8")
    files = {
        "locustfiles/shop.py": LOCUSTFILE,
        "locustfiles/neighbour.py": "PATH = '/'\n",
        "journeys/home.py": "HOME = 'home'\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_guardian_comes_on_guard(project: Path) -> None:
    """Without one nothing may be broken."""
    guardian = Guardian(project / "stack.json", project / "guardian.log")
    try:
        guardian.wait_ready()
    finally:
        guardian.release()


@pytest.mark.parametrize(("more", "heals"), [([], True), (["patient"], False)])
def test_a_guardian_heals_what_a_silent_harness_broke_unless_it_is_a_drill(
    tmp_path: Path, more: list[str], heals: bool
) -> None:
    """What recovers a drill is its runbook; a terminal that holds the harness up must not."""
    program = "import sys, harness.guard as guard; guard.SILENCE_S = 0.2; sys.exit(guard.main())"
    given = [sys.executable, "-c", program, str(tmp_path / "stack.json"), *more]
    process = subprocess.Popen(given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "on guard\n"
        process.stdin.write("alive\n")
        process.stdin.flush()
        time.sleep(1.0)
        _, said = process.communicate("release\n", timeout=20)
    finally:
        process.kill()
    assert ("silent" in said, process.returncode) == (heals, 0)


def test_a_locustfile_finds_its_neighbours_and_what_is_in_the_folder(project: Path) -> None:
    """As under Locust itself."""
    generator = Generator(project / "load.log", lambda _: None)
    order = Order(
        locustfile=str(project / "locustfiles" / "shop.py"),
        host="http://127.0.0.1:1",
        samples=str(project / "samples.arrow"),
        model="open",
        end_s=1.0,
        warmup_s=0.0,
        drain_s=0.0,
        seed=0,
        rates=[[0.0, 1.0]],
        users=1,
        tags=[],
        exclude_tags=[],
        allowed_host="127.0.0.1",
    )
    try:
        generator.order(order)
        generator.wait_ready(lambda: False)
    finally:
        generator.stop()
