"""Does the shop keep answering while the payments provider takes connections and says nothing?"""

from harness import Availability, Freeze, LatencyBelow, Load, Recovers, Scenario, during

scenario = Scenario(
    hypothesis="With payments frozen nobody waits longer than 1.5 s, reading goes on, and all is well 5 s after.",
    load=Load("shop.py", rate_per_s=60),
    faults=during(12, 22, Freeze("payments")),
    checks=(
        LatencyBelow(1500, percentile=99),
        Availability(ok_ratio_min=0.99, endpoint="GET /catalogue"),
        Availability(ok_ratio_min=0.99, endpoint="GET /orders/{id}"),
        Recovers(within_s=5),
    ),
    recovery_s=16,
)
