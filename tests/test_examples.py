"""The examples are strangers' projects: nothing of ours is in them, and they are whole."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
NAMES = [path.name for path in EXAMPLES]


def _compose(example: Path) -> dict:
    (path,) = (path for path in example.iterdir() if re.fullmatch(r"(docker-)?compose\.ya?ml", path.name))
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _files(example: Path) -> list[Path]:
    """What git has of it, or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", str(example)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    listed = [ROOT / name for name in done.stdout.splitlines()]
    return listed or [path for path in example.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def _keys(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (str(key) for key in node)
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _keys(inner)


def test_there_are_examples():
    """The tests below are about something."""
    assert NAMES == ["bookshop", "kinto"]


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_nothing_of_ours_is_in_it(example):
    """Neither our name nor Toxiproxy's in any file, nor a key of ours in the Compose file."""
    for path in _files(example):
        assert not re.search(r"harness|toxiproxy", path.read_text(encoding="utf-8"), re.IGNORECASE), path
    assert [key for key in _keys(_compose(example)) if key.startswith("x-")] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_its_compose_file_is_whole(example):
    """Whatever a service depends on, is built from, or joins, is there; its images can be chosen from outside."""
    document = _compose(example)
    for name, service in document["services"].items():
        assert set(service.get("depends_on", ())) <= set(document["services"]), name
        assert set(service.get("networks", ())) <= set(document.get("networks", ())), name
        if "build" in service:
            folder = example / service["build"]["context"]
            assert (folder / "Dockerfile").is_file(), name
            assert service["build"]["args"]["PYTHON_IMAGE"] == "${PYTHON_IMAGE:-python:3.11-slim}", name
        else:
            assert service["image"] == "${POSTGRES_IMAGE:-postgres:16}", name
        if "env_file" in service:
            assert (example / service["env_file"]).is_file(), name


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_its_locustfile_is_an_ordinary_one(example):
    """Locust and the standard library, nothing else; at least three kinds of request."""
    tree = ast.parse((example / "locustfile.py").read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert "locust" in imported
    assert imported - {"locust"} <= sys.stdlib_module_names
    tasks = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.decorator_list]
    assert len([one for one in tasks if "task" in ast.unparse(one.decorator_list[0])]) >= 3
