"""The load process beside stock Locust, k6 and Vegeta: the cost of recording, what a freeze reads, late starts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.driving import drive
from benchmarks.server import pin, serving
from benchmarks.table import Row

ROUNDS = 6
FREEZE_S, FREEZE_AFTER_S, FREEZE_RUN_S, FREEZE_RATE_PER_S = 10, 15, 40, 100
TRUE_P99_S = FREEZE_S - 0.01 * FREEZE_RUN_S
"""Of the arrivals of the run one in a hundred waits longer: those of the first 0.4 s of the freeze."""


def recording() -> Iterator[Row]:
    """Requests a second of its processor with all recording on, by those of stock Locust, in turn.

    Both use up their core, so this is their rate; of the processor's time, since a shared machine lends out the other.
    """
    users, seconds = 30, 5.0
    ratios = []
    with serving() as (host, _):
        for _ in range(ROUNDS):
            stock = _stock(host, users, seconds, 0)["requests_per_cpu_s"]
            _samples, beats = drive(host, end_s=seconds, users=users)
            whole = [beat for beat in beats if 0.5e9 < beat.at_ns < (seconds - 0.5) * 1e9]
            ours = sum(beat.ok + beat.fail + beat.unknown for beat in whole) / sum(beat.cpu_cores for beat in whole)
            ratios.append(ours / stock)
    ratio = median(ratios)
    value = f"{ratio:.3f} ({min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} pairs)"
    yield Row("requests/s with recording, by stock FastHttpUser", value, ">= 0.97", ratio >= 0.97)


def freeze() -> Iterator[Row]:
    """p99 under a freeze of ten seconds, by the truth."""
    with serving(FREEZE_AFTER_S, FREEZE_S) as (host, server):
        samples, _ = drive(host, end_s=FREEZE_RUN_S, rate_per_s=FREEZE_RATE_PER_S, started=lambda: _tell(server))
        ratio = float(samples["response_ms"].quantile(0.99)) / 1000 / TRUE_P99_S
    yield Row("p99 under a 10 s freeze, by the truth", f"{ratio:.3f}", "0.95 to 1.05", 0.95 <= ratio <= 1.05)
    with serving(FREEZE_AFTER_S, FREEZE_S) as (host, server):
        stock = _stock(host, 10, FREEZE_RUN_S, FREEZE_RATE_PER_S, started=server)
    yield Row("  stock Locust constant_throughput, by the truth", f"{stock['p99_ms'] / 1000 / TRUE_P99_S:.4f}")


def open_model() -> Iterator[Row]:
    """p99 from the intended start against a server that takes no time, on one core."""
    for rate in (2_000, 3_000, 4_000, 5_000):
        with serving() as (host, _):
            samples, beats = drive(host, end_s=10, rate_per_s=rate)
            late_ms = float((samples["response_ms"] - samples["service_ms"]).quantile(0.99))
            p99_ms = float(samples["response_ms"].quantile(0.99))
            dropped = sum(beat.dropped for beat in beats)
            sent = len(samples) / (rate * 10)
            value = f"p99 {p99_ms:.1f} ms, start lateness p99 {late_ms:.1f} ms, {sent:.1%} sent, {dropped} dropped"
            peers = {
                name: peer(host, rate)
                for name, peer in (("k6", _k6), ("Vegeta", _vegeta))
                if shutil.which(name.lower())
            }
        wanted, met = "", None
        if rate == 3_000:
            wanted, met = "start lateness p99 < 5 ms", late_ms < 5
        elif rate in (2_000, 4_000) and "k6" in peers:
            wanted, met = "better than k6", p99_ms < peers["k6"]
        yield Row(f"open model at {rate:,}/s", value, wanted, met)
        for name, peer_ms in peers.items():
            yield Row(f"  {name} at {rate:,}/s", f"p99 {peer_ms:.1f} ms")


def _tell(server: subprocess.Popen[str]) -> None:
    assert server.stdin is not None
    server.stdin.write("go\n")
    server.stdin.flush()


def _stock(
    host: str, users: int, seconds: float, throughput: float, *, started: subprocess.Popen[str] | None = None
) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.stock", host, str(users), str(seconds), str(throughput)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        pin(process.pid, 1)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        if started is not None:
            _tell(started)
        found: dict[str, float] = json.loads(process.stdout.readline())
        return found


def _vegeta(host: str, rate: int) -> float:
    attack = f"echo 'GET {host}/' | vegeta attack -rate={rate} -duration=10s | vegeta report -type=json"
    done = subprocess.run(["taskset", "-c", "1", "sh", "-c", attack], capture_output=True, text=True, timeout=60)
    return float(json.loads(done.stdout)["latencies"]["99th"]) / 1e6


def _k6(host: str, rate: int) -> float:
    """Counts from the real start: what it dropped or started late is in no percentile of it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        script, summary = Path(work) / "script.js", Path(work) / "summary.json"
        script.write_text(
            f"""import http from 'k6/http';
export const options = {{ scenarios: {{ open: {{ executor: 'constant-arrival-rate', rate: {rate}, timeUnit: '1s',
  duration: '10s', preAllocatedVUs: 500 }} }}, summaryTrendStats: ['p(99)'] }};
export default function () {{ http.get('{host}/'); }}""",
            encoding="utf-8",
        )
        command = ["taskset", "-c", "1", "k6", "run", "--quiet", "--summary-export", str(summary), str(script)]
        subprocess.run(command, capture_output=True, timeout=90)
        return float(json.loads(summary.read_text(encoding="utf-8"))["metrics"]["http_req_duration"]["p(99)"])
