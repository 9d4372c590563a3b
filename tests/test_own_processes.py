"""Our own processes in somebody's folder: what is called there as a module of Python's is not taken for it."""

from __future__ import annotations

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
