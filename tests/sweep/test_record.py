"""sweep.json: what the runner writes is what is read again, and what is damaged says so."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from harness.errors import RunFolderError
from harness.sweep.record import LeftOut, PlannedCell, SteadyLoad, Sweep, find, is_sweep, read, write

CELL = PlannedCell("slow", "link", "web-db", "latency", 8.0, "web", "db", {"delay_ms": 100, "jitter_ms": 0})
SWEEP = Sweep(
    name="sweep",
    entry="http://127.0.0.1:8000",
    load=SteadyLoad("shop.py", 60.0),
    command=("harness", "sweep", "--rate", "60"),
    stack="embedded",
    cells=(CELL, PlannedCell("dead", "service", "db", "kill", 8.0, "", "db")),
    dropped=(LeftOut(PlannedCell("still", "service", "db", "freeze", 8.0, "", "db"), "the budget of 5 min was spent"),),
    runs=("runs/1", "runs/2"),
    seconds_planned=63.5,
)


def test_what_is_written_is_read_again(tmp_path):
    """Every field survives the file."""
    write(tmp_path / "sweep.json", SWEEP)
    assert read(tmp_path / "sweep.json") == SWEEP


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "schema 2"),
        ({"cells": [{"window": "x"}]}, "lacks"),
        ({"load": {}}, "locustfile"),
        ({"cells": [{**asdict(CELL), "kind": "ship"}]}, "its kind is 'ship'"),
    ],
)
def test_a_damaged_file_says_so(tmp_path, change, said):
    """An error names the file and what is wrong with it, never a traceback."""
    write(tmp_path / "sweep.json", SWEEP)
    held = json.loads((tmp_path / "sweep.json").read_text(encoding="utf-8"))
    (tmp_path / "sweep.json").write_text(json.dumps(held | change), encoding="utf-8")
    with pytest.raises(RunFolderError, match=said):
        read(tmp_path / "sweep.json")


def test_a_sweep_is_told_from_a_run(tmp_path):
    """By its sweep.json, in the folder or in the latest below it."""
    made = tmp_path / "sweep" / "20260101T000000Z"
    made.mkdir(parents=True)
    assert not is_sweep(made)
    with pytest.raises(RunFolderError, match="no sweep"):
        find(made)
    write(made / "sweep.json", SWEEP)
    (tmp_path / "sweep" / "latest").symlink_to(made.name)
    assert is_sweep(made)
    assert is_sweep(tmp_path / "sweep")
    assert find(tmp_path / "sweep").path == made.resolve()


@pytest.mark.parametrize(
    ("fault", "parameters", "said"),
    [
        ("latency", {"delay_ms": 100, "jitter_ms": 0}, "latency 100 ms"),
        ("outage", {}, "outage"),
        ("reset", {"after_ms": 0}, "reset"),
        ("latency", {"delay_ms": 100, "jitter_ms": 20}, "latency 100 ms jitter 20 ms"),
        ("bandwidth", {"rate_kb_per_s": 64}, "bandwidth rate kb per s 64"),
    ],
)
def test_a_column_is_named_for_the_fault_and_how_much_of_it(fault, parameters, said):
    """Two strengths of one fault are two columns; what is zero is not said."""
    assert PlannedCell("w", "link", "a-b", fault, 8.0, "a", "b", parameters).column == said
