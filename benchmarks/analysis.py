"""Ten million samples to a report: how long, in how much memory. In a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.table import Row
from harness.schema import OUTCOMES, SAMPLES

SAMPLES_COUNT, BATCH, END_S = 10_000_000, 65_536, 600.0


def report() -> Iterator[Row]:
    """From the run folder on disk to all files of the report."""
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        folder = Path(work)
        write(folder)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.analysis", work], capture_output=True, text=True, timeout=300, check=True
        )
        seconds, gigabytes = json.loads(done.stdout.splitlines()[-1])
    yield Row("ten million samples to a report, time", f"{seconds:.1f} s", "<= 10 s", seconds <= 10)
    yield Row("ten million samples to a report, memory", f"{gigabytes:.2f} GB", "<= 1 GB", gigabytes <= 1)


def write(folder: Path) -> None:
    """A run folder with that many samples, three endpoints, one window."""
    source = np.random.default_rng(0)
    names = {
        "endpoint": ["/a", "/b", "/c"],
        "method": ["GET", "POST"],
        "outcome": list(OUTCOMES),
        "error": ["HTTP 503"],
    }
    with pa.OSFile(str(folder / "samples.arrow"), "wb") as sink, pa.ipc.new_stream(sink, SAMPLES) as stream:
        for first in range(0, SAMPLES_COUNT, BATCH):
            index = np.arange(first, min(first + BATCH, SAMPLES_COUNT))
            intended = (index * (END_S * 1e9 / SAMPLES_COUNT)).astype(np.int64)
            answered = intended + (source.lognormal(1.5, 0.8, len(index)) * 1e6).astype(np.int64)
            endpoint = source.integers(0, 3, len(index), dtype=np.int32)
            failed = source.random(len(index)) < 0.01
            codes = {
                "endpoint": endpoint,
                "method": (endpoint == 1).astype(np.int32),
                "outcome": failed.astype(np.int32),
                "error": np.where(failed, 0, -1).astype(np.int32),
            }
            columns = {
                "intended_ns": pa.array(intended),
                "started_ns": pa.array(intended + 100_000),
                "answered_ns": pa.array(answered),
                "status": pa.array(np.where(failed, 503, 200).astype(np.int16)),
                "bytes": pa.array(np.full(len(index), 100, np.int64)),
            }
            for name, values in codes.items():
                indices = pa.array(values, mask=values < 0)
                columns[name] = pa.DictionaryArray.from_arrays(indices, pa.array(names[name], pa.string()))
            stream.write_batch(pa.record_batch([columns[name] for name in SAMPLES.names], schema=SAMPLES))
    window = {"name": "slow", "fault": "latency", "start_s": 200.0, "end_s": 300.0, "link": None}
    manifest = {
        "schema": 1, "scenario": "ten-million", "hypothesis": "It is quick.", "checks": [], "seed": 0, "stack": "none",
        "load": {"model": "open", "locustfile": "a.py"}, "windows": [window], "duration_s": END_S, "services": [],
        "links": {}, "entry": "", "variables": {}, "zero_utc": None, "versions": {}, "command": ["harness"],
        "environment": {"python": "", "platform": "", "cpus": 2},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    marks = [
        {"kind": "injected", "at_s": 200.0, "window": "slow"},
        {"kind": "end", "at_s": END_S, "reason": "complete"},
    ]
    (folder / "marks.jsonl").write_text("".join(json.dumps(mark) + "\n" for mark in marks), encoding="utf-8")


if __name__ == "__main__":
    began = time.monotonic()
    from harness.report import build
    from harness.store import find

    build(find(Path(sys.argv[1])))
    print(json.dumps([time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))
