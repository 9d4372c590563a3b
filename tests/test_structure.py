"""The rules of the design that a program can check: who imports whom, how long files are, what is documented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES_MAX = 300


def _modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports at run time, as it is written."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imports_any(path: Path, *packages: str) -> set[str]:
    return {one for one in _imports(path) for package in packages if one == package or one.startswith(f"{package}.")}


def _offenders(folder: str, *packages: str, but: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """Files of a folder, those below `but` left out, that import any of these packages."""
    found = {}
    for path in _modules(folder):
        name = str(path.relative_to(ROOT))
        if not name.startswith(but) and (bad := _imports_any(path, *packages)):
            found[name] = bad
    return found


def test_the_core_imports_nothing_but_the_core():
    """What READ FIRST leads to stands on nothing of ours but one another."""
    names = ("model", "world", "record", "bounds", "http_bounds", "path_template", "errors")
    core = {f"harness.{name}" for name in names}
    for name in names:
        ours = {one for one in _imports(ROOT / "harness" / f"{name}.py") if one.startswith("harness")}
        assert all(any(one == c or one.startswith(f"{c}.") for c in core) for one in ours), (name, ours)


@pytest.mark.parametrize(
    ("folder", "forbidden", "but"),
    [
        ("harness/faults", ("harness.runner", "harness.stack", "harness.load", "harness.report", "requests"), ()),
        ("harness/checks", ("harness.runner", "harness.stack", "harness.load", "harness.report"), ()),
        ("harness/analysis", ("harness.runner", "harness.stack", "harness.load", "harness.report"), ()),
        (
            "harness/report",
            ("harness.runner", "harness.stack", "harness.load", "harness.sweep.run", "harness.weaknesses.run"),
            (),
        ),
        ("harness/adopt", ("harness.runner", "harness.stack", "harness.load", "harness.report"), ()),
        ("harness/adopt", ("docker", "subprocess", "socket", "requests", "toxiproxy"), ()),
        (
            "harness/sweep",
            ("harness.runner", "harness.stack", "harness.load", "harness.report", "docker"),
            ("harness/sweep/run.py",),
        ),
        ("harness/weaknesses", ("harness.runner", "harness.stack", "harness.load", "harness.report", "docker"), ()),
        (
            "harness/weaknesses",
            ("harness.job", "harness.interrupts", "harness.checks"),
            ("harness/weaknesses/run.py",),
        ),
        ("harness", ("locust", "gevent"), ("harness/load/",)),
        ("harness", ("harness.load",), ("harness/load/",)),
        ("harness", ("matplotlib",), ("harness/report/charts/",)),
        ("harness", ("toxiproxy", "docker", "subprocess", "psutil", "requests"), ("harness/stack/", "harness/backup/")),
        ("harness", ("uvloop", "httptools"), ("harness/tap/",)),
        ("harness", ("harness.cli",), ("harness/__main__.py", "harness/cli/")),
        ("harness", ("target",), ()),
        ("target", ("harness",), ()),
    ],
)
def test_no_part_imports_what_it_must_not(folder, forbidden, but):
    """The direction of data is the direction of imports."""
    assert _offenders(folder, *forbidden, but=but) == {}


def test_the_tap_stands_on_the_core():
    """It runs anywhere, in a container too: it knows the core, schemas, waits and bad data, and nothing else."""
    allowed = ("errors", "record", "schema", "waiting", "bounds", "http_bounds", "path_template", "baddata", "tap")
    for path in _modules("harness/tap"):
        ours = {one for one in _imports(path) if one.startswith("harness")}
        assert all(one.split(".")[1] in allowed for one in ours), (path, ours)


def test_bad_data_stands_on_the_core():
    """It is pure, and part of the tap: it knows bounds and errors, and reads and writes nothing."""
    for path in _modules("harness/baddata"):
        ours = {one for one in _imports(path) if one.startswith("harness")}
        assert all(one.split(".")[1] in ("errors", "bounds", "baddata") for one in ours), (path, ours)
    assert _offenders("harness/baddata", "os", "pathlib", "socket", "time", "random", "pandas", "numpy") == {}


def test_the_outpost_stands_on_the_core_and_the_standard_library():
    """It too runs in a container, in which nothing is installed."""
    for path in _modules("harness/outpost"):
        for one in _imports(path):
            ours = (
                one.split(".")[1] in ("errors", "record", "bounds", "outpost") if one.startswith("harness.") else False
            )
            assert ours or one.split(".")[0] in sys.stdlib_module_names, (path, one)


@pytest.mark.parametrize("folder", ["scenarios", "drills"])
def test_a_scenario_imports_harness_only(folder):
    """Scenarios are pure data."""
    for path in _modules(folder):
        assert {one.split(".")[0] for one in _imports(path)} == {"harness"}


def test_light_processes_stay_light():
    """The load process, the tap, the outpost and the guardian do not carry the analysis with them."""
    ours = ("guard", "load.recorder", "order", "tap.control", "outpost.__main__", "outpost.client")
    for module in (f"harness.{one}" for one in ours):
        code = f"import sys, {module}; print([m for m in ('pandas', 'matplotlib') if m in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == "[]", (module, done.stdout, done.stderr)


def test_no_file_passes_three_hundred_lines():
    """A file is split where a reader would look for the parts."""
    files = [path for folder in ("harness", "target", "tests", "scenarios", "benchmarks") for path in _modules(folder)]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


def test_every_module_says_what_it_is():
    """A docstring at the top of each, for a stranger."""
    silent = []
    for folder in ("harness", "target", "scenarios", "locustfiles", "benchmarks"):
        for path in _modules(folder):
            if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
                silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_every_test_is_one_claim():
    """The docstring of each test says what it proves."""
    silent = []
    for path in _modules("tests"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node):
                silent.append(f"{path.name}: {node.name}")
    assert silent == []


def test_what_must_run_alone_is_where_make_looks_for_it():
    """`make test` collects tests/integration only for those that judge speed: one elsewhere would never run."""
    marked = [path for path in _modules("tests") if "pytest.mark." + "alone" in path.read_text(encoding="utf-8")]
    assert marked
    assert [path for path in marked if path.parent != ROOT / "tests" / "integration"] == []


def test_the_names_that_a_scenario_may_import_are_there():
    """Each name of harness.__all__ has a home, and each home its name."""
    import harness

    for name in harness.__all__:
        assert getattr(harness, name).__doc__, name
    assert sorted(harness.__all__) == harness.__all__


def test_the_pin_file_names_no_host():
    """Pins are names and versions."""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9._-]+(\[[a-z,]+\])?==[A-Za-z0-9.+!]+( ; .*)?", line), line
