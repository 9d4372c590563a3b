"""Stock Locust as a library, with nothing of ours: prints what it did as JSON. Run as `python -m benchmarks.stock`."""

from __future__ import annotations

import locust  # isort: skip

import json
import sys
import time
from typing import Any

import gevent
from locust import FastHttpUser, constant, constant_throughput, task
from locust.env import Environment


def main(host: str, users: int, seconds: float, throughput: float) -> dict[str, Any]:
    """`throughput` in all, spread over the users; 0 for as fast as they can."""

    class Visitor(FastHttpUser):
        wait_time = constant_throughput(throughput / users) if throughput else constant(0)
        connection_timeout = network_timeout = 60.0

        @task
        def look(self) -> None:
            self.client.get("/")

    environment = Environment(user_classes=[Visitor], host=host)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.sleep(1.0)
    print("started", flush=True)
    total = environment.stats.total
    before, began = total.num_requests, time.process_time()
    gevent.sleep(seconds)
    count, used_s = total.num_requests - before, time.process_time() - began
    return {"requests_per_cpu_s": count / used_s, "count": count, "p99_ms": total.get_response_time_percentile(0.99)}


if __name__ == "__main__":
    assert locust.__version__
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))), flush=True)
