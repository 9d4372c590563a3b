"""`python -m benchmarks [WORD]`: measures all, or those with that word in their name, and prints one table."""

from __future__ import annotations

import os
import sys

from benchmarks import analysis, docker, load, runs, tap
from benchmarks.table import Row, show

HERE = (runs.stack_up, runs.whole_run, analysis.report, load.recording, load.freeze, load.open_model, tap.tap)
ON_DOCKER = (docker.start, docker.hop, docker.sweep)


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    rows: list[Row] = []
    load_before = os.getloadavg()[0]
    for measure in (*HERE, *ON_DOCKER):
        if word in f"{measure.__module__}.{measure.__name__}":
            print(f"measuring {measure.__name__}: {(measure.__doc__ or '').strip()}", file=sys.stderr, flush=True)
            rows += measure()
    print(show(rows))
    print(f"{os.cpu_count()} processors, load average {load_before:.1f} before: seconds on a busy machine are longer")


main()
