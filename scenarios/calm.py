"""Is the shop well when nothing is broken? The control of every other scenario."""

from harness import Availability, LatencyBelow, Load, Scenario

scenario = Scenario(
    hypothesis="With nothing broken 99.9 % of requests are ok and p95 stays under 250 ms.",
    load=Load("shop.py", rate_per_s=60),
    checks=(Availability(ok_ratio_min=0.999), LatencyBelow(250, percentile=95)),
    duration_s=25,
)
