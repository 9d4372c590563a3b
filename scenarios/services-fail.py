"""Payments hangs, the database crashes, the shop itself is restarted: who waits, and is all well soon after?"""

from harness import Availability, Freeze, Kill, LatencyBelow, Load, Recovers, Restart, Scenario, during

scenario = Scenario(
    hypothesis="Whichever service fails, nobody waits longer than 2 s, and all is well 10 s after the last is back.",
    load=Load("shop.py", rate_per_s=40),
    faults=(
        *during(12, 20, Freeze("payments"), name="payments hangs"),
        *during(26, 32, Kill("postgres"), name="database crashes"),
        *during(42, 48, Restart("api"), name="shop restarts"),
    ),
    checks=(
        LatencyBelow(2000, percentile=99),
        Availability(ok_ratio_min=0.99, endpoint="GET /catalogue", phase="payments hangs"),
        Recovers(within_s=10),
    ),
    recovery_s=22,
)
