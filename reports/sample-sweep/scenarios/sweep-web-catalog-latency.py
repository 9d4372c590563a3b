"""Is GET /books served with web-catalog slow by 2000 ms?

Found by `harness sweep`: 7 % of GET /books were served.
"""

from harness import Availability, Latency, LatencyBelow, Load, Scenario, during

scenario = Scenario(
    hypothesis=(
        "With web-catalog slow by 2000 ms 99 % of GET /books are ok and 95 % of GET /books take less than 1.5 s."
    ),
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(19, 38, Latency("web-catalog", delay_ms=2000)),
    checks=(
        Availability(ok_ratio_min=0.99, endpoint="GET /books"),
        LatencyBelow(1500, percentile=95, endpoint="GET /books"),
    ),
)
