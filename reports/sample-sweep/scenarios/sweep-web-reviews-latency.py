"""Is nobody kept waiting with web-reviews slow by 2000 ms?

Found by `harness sweep`: GET /books/{id}/reviews takes 2.01 s longer.
"""

from harness import Latency, LatencyBelow, Load, Scenario, during

scenario = Scenario(
    hypothesis="With web-reviews slow by 2000 ms 95 % of GET /books/{id}/reviews take less than 1.1 s.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(47, 94, Latency("web-reviews", delay_ms=2000)),
    checks=(LatencyBelow(1100, percentile=95, endpoint="GET /books/{id}/reviews"),),
)
