"""Does the shop stop calling a payments provider that hangs, sell on meanwhile, and charge later?"""

from harness import Availability, Breaker, Fallback, Latency, Load, Recovers, Scenario, during

scenario = Scenario(
    hypothesis="With payments hanging the breaker opens within 3 s, checkouts go on, and it closes soon after.",
    load=Load("shop.py", rate_per_s=60),
    faults=during(10, 24, Latency("api-payments", delay_ms=5000)),
    checks=(
        Breaker("api-payments", opens_within_s=3, threshold=10, reset_s=3, calls="POST /charges"),
        Fallback("POST /checkout", link="api-payments", ok_ratio_min=0.99, within_ms=1600),
        Availability(ok_ratio_min=0.99, endpoint="GET /catalogue"),
        Recovers(within_s=5),
    ),
    recovery_s=15,
)
