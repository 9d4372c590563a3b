"""Whole runs on the reference target: how soon the stack is up, how punctual faults are, wall time beside the plan."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.table import Row
from harness.stack.compose_file import read_compose_file
from harness.stack.processes import start_stack

ROOT = Path(__file__).parents[1]
SCENARIO = '''"""Are faults on time under load?"""

from harness import Availability, Latency, Load, Outage, Scenario, during

scenario = Scenario(
    hypothesis="Each fault goes in and out within 20 ms of its plan.",
    load=Load("shop.py", rate_per_s=100),
    faults=(*during(10, 15, Latency("api-payments", delay_ms=99)), *during(12, 14, Latency("api-postgres", delay_ms=5)),
            *during(17, 19, Outage("api-payments")), *during(21, 24, Latency("api-postgres", delay_ms=10)),
            *during(26, 27, Outage("api-postgres")), *during(29, 30, Outage("api-postgres"))),
    checks=(Availability(ok_ratio_min=0.9, phase="baseline"),),
    recovery_s=10,
)
'''


def stack_up() -> Iterator[Row]:
    """From nothing to ready: PostgreSQL with a fresh data folder, Toxiproxy, payments, api."""
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        began = time.monotonic()
        stack = start_stack(
            read_compose_file(ROOT / "docker-compose.yml"), Path(work) / "stack.json", Path(work) / "logs"
        )
        seconds = time.monotonic() - began
        stack.down()
    yield Row("embedded stack up, from cold", f"{seconds:.1f} s", "<= 5 s", seconds <= 5)


def whole_run() -> Iterator[Row]:
    """One run of 43 s with twelve changes of the links, at 100 requests/s."""
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        path = Path(work) / "punctual.py"
        path.write_text(SCENARIO, encoding="utf-8")
        began = time.monotonic()
        command = [sys.executable, "-m", "harness", "run", str(path), "--reports", work]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
        seconds = time.monotonic() - began
        marks = Path(work) / "punctual" / "latest" / "marks.jsonl"
        if not marks.is_file():
            raise RuntimeError(done.stdout + done.stderr)
        lines = [json.loads(line) for line in marks.read_text(encoding="utf-8").splitlines()]
    late_ms = [line["late_ms"] for line in lines if "late_ms" in line]
    yield Row(
        f"fault in or out after its planned time, worst of {len(late_ms)}", f"{max(late_ms):.1f} ms", "<= 20 ms",
        len(late_ms) == 12 and max(late_ms) <= 20,
    )  # fmt: skip
    ratio = seconds / 43
    yield Row("wall time of a run of 43 s, by its plan", f"{ratio:.3f}", "<= 1.10", ratio <= 1.10)
