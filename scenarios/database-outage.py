"""Does the shop refuse quickly while its database is gone, and sell again as soon as it is back?"""

from harness import Availability, LatencyBelow, Load, Outage, Recovers, Scenario, during

scenario = Scenario(
    hypothesis="While the database is gone every refusal comes within a second, and all is well 5 s after it is back.",
    load=Load("shop.py", rate_per_s=60),
    faults=during(12, 20, Outage("api-postgres")),
    checks=(
        LatencyBelow(1000, percentile=99),
        Availability(ok_ratio_min=0.99, phase="baseline"),
        Recovers(within_s=5),
    ),
    recovery_s=18,
)
