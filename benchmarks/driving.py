"""One load process, driven to its end against a host, on one core."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks.server import pin
from harness.generator import Generator
from harness.history import read_samples
from harness.order import Beat, Order

LOCUSTFILE = """
from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0)
    connection_timeout = network_timeout = 60.0

    @task
    def look(self):
        self.client.get("/")
"""


def drive(
    host: str, *, end_s: float, rate_per_s: float = 0, users: int = 0, started: Callable[[], None] = lambda: None
) -> tuple[pd.DataFrame, list[Beat]]:
    """The samples and the beats: open at `rate_per_s`, or closed with `users`. `started` is called at the zero."""
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        locustfile, samples = Path(work) / "locustfile.py", Path(work) / "samples.arrow"
        locustfile.write_text(LOCUSTFILE, encoding="utf-8")
        beats: list[Beat] = []
        generator = Generator(Path(work) / "log", beats.append)
        pin(generator.id.pid, 1)
        try:
            generator.order(
                Order(
                    locustfile=str(locustfile),
                    host=host,
                    samples=str(samples),
                    model="open" if rate_per_s else "closed",
                    end_s=end_s,
                    warmup_s=2,
                    drain_s=12,
                    seed=0,
                    rates=[[0.0, rate_per_s]] if rate_per_s else [],
                    users=users,
                    tags=[],
                    exclude_tags=[],
                )
            )
            generator.wait_ready(lambda: False)
            zero_ns = time.monotonic_ns() + 2_300_000_000
            generator.go(zero_ns)
            time.sleep(2.3)
            started()
            generator.finish(end_s + 15)
        finally:
            generator.stop()
        return read_samples(samples), beats
