"""A slow provider, a slow database, a database gone: what do users feel, and where does the time go?"""

from harness import Availability, Latency, LatencyBelow, Load, Outage, Recovers, Scenario, during

scenario = Scenario(
    hypothesis="On a bad day nobody waits longer than 1.5 s, reading survives slow payments, all is well 5 s after.",
    load=Load("shop.py", rate_per_s=60),
    faults=(
        *during(12, 22, Latency("api-payments", delay_ms=2000), name="payments slow"),
        *during(27, 37, Latency("api-postgres", delay_ms=20), name="database slow"),
        *during(42, 48, Outage("api-postgres"), name="database gone"),
    ),
    checks=(
        LatencyBelow(1500, percentile=99),
        Availability(ok_ratio_min=0.99, endpoint="GET /catalogue", phase="payments slow"),
        Availability(ok_ratio_min=0.99, phase="database slow"),
        Recovers(within_s=5),
    ),
    recovery_s=16,
)
