"""Does the shop keep answering while the payments provider is slow?"""

from harness import Availability, Latency, LatencyBelow, Load, Recovers, Scenario, during

scenario = Scenario(
    hypothesis="With payments 2 s slow nobody waits longer than 1.5 s, reading is as fast as ever, all is well soon.",
    load=Load("shop.py", rate_per_s=60),
    faults=during(12, 24, Latency("api-payments", delay_ms=2000)),
    checks=(
        LatencyBelow(1500, percentile=99),
        LatencyBelow(250, percentile=95, endpoint="GET /catalogue"),
        Availability(ok_ratio_min=0.99, endpoint="GET /catalogue"),
        Availability(ok_ratio_min=0.99, endpoint="GET /orders/{id}"),
        Recovers(within_s=5),
    ),
    recovery_s=16,
)
