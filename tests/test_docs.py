"""The documentation is run: its code works, its links lead somewhere, every verb and name is told of."""

from __future__ import annotations

import os
import re
import shutil
import sys
import types
from pathlib import Path

import pytest

import harness
from harness import loader
from harness.errors import ScenarioError

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


class _Link:
    """Remembers the toxics that are in."""

    name = "api-postgres"

    def __init__(self) -> None:
        self.toxics: list[str] = []

    def add_toxic(self, kind, attributes, *, stream="downstream"):
        self.toxics.append(kind)
        return lambda: self.toxics.remove(kind)


class _Stack:
    def __init__(self) -> None:
        self.one = _Link()

    def link(self, name):
        return self.one


def test_add_a_fault_works_as_it_is_written(monkeypatch):
    """The fault of that page goes in whole, is healed whole, and refuses values that make no sense."""
    source = next(block for block in _blocks(ROOT / "docs" / "add-a-fault.md", "python") if "class BadNetwork" in block)
    module = types.ModuleType("harness.faults.bad_network")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "bad_network.py", "exec"), module.__dict__)
    stack = _Stack()
    heal = module.BadNetwork("api-postgres", delay_ms=100, rate_kb_per_s=50).inject(stack)
    assert stack.one.toxics == ["latency", "bandwidth"]
    heal()
    assert stack.one.toxics == []
    with pytest.raises(ValueError, match="delay_ms must be more than 0"):
        module.BadNetwork("api-postgres", delay_ms=0, rate_kb_per_s=50)


def test_add_a_fault_shows_the_noop_that_there_is():
    """The page starts from the code as it stands."""
    shown = _blocks(ROOT / "docs" / "add-a-fault.md", "python")[0]
    real = (ROOT / "harness" / "faults" / "noop.py").read_text(encoding="utf-8")
    without_docstring = re.sub(r'\n    """.*?"""\n', "", real)
    assert shown.strip() in without_docstring


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_scenario_in_the_docs_loads(page, tmp_path):
    """Whatever a reader copies is a scenario."""
    for number, block in enumerate(_blocks(page, "python")):
        if "scenario = Scenario(" in block:
            path = tmp_path / f"one{number}.py"
            path.write_text(block, encoding="utf-8")
            try:
                loader.load(path)
            except ScenarioError as error:
                pytest.fail(str(error))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    """Files that a page points to are there."""
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_every_name_and_every_verb_is_documented():
    """What a scenario may import, and what the command can do."""
    from harness.cli import app, stack_app

    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    verbs = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    verbs |= {f"stack {one.name}" for one in stack_app.registered_commands}
    assert [name for name in harness.__all__ if name not in text] == []
    assert [verb for verb in sorted(verbs) if f"harness {verb}" not in text] == []


def test_the_sample_report_is_of_the_current_code(tmp_path):
    """The run that is kept in git gives the page that is kept in git."""
    from harness.report import build
    from harness.store import RunFolder

    shutil.copytree(ROOT / "reports" / "sample", tmp_path / "sample")
    build(RunFolder(tmp_path / "sample"))
    for name in ("report.html", "summary.md", "junit.xml", "findings.json"):
        kept = (ROOT / "reports" / "sample" / name).read_bytes()
        assert (tmp_path / "sample" / name).read_bytes() == kept, name


def test_the_history_page_reads_the_sample():
    """Its snippet runs on the run that is kept in git."""
    (snippet,) = _blocks(ROOT / "docs" / "history.md", "python")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        exec(compile(snippet, "history.md", "exec"), {})
    finally:
        os.chdir(before)


def test_feed_bad_data_tells_of_every_mutation_and_its_commands_work(tmp_path):
    """Each in the table, and the line that damages a file does."""
    import shlex

    from typer.testing import CliRunner

    from harness.baddata.mutation import KINDS
    from harness.cli import app

    page = (ROOT / "docs" / "feed-bad-data.md").read_text(encoding="utf-8")
    table = "\n".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert [kind for kind in KINDS if f"`{kind}`" not in table] == []
    (line,) = re.findall(r"^harness (mutate .*)$", page, re.MULTILINE)
    (tmp_path / "invoices.csv").write_text("id,amount\n" + "".join(f"{n},{n}\n" for n in range(1, 9)), encoding="utf-8")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        done = CliRunner().invoke(app, shlex.split(line))
    finally:
        os.chdir(before)
    assert (done.exit_code, done.output.count("  amount\n")) == (0, 3)
    assert (tmp_path / "bad.csv").read_text(encoding="utf-8").count("00\n") == 3
