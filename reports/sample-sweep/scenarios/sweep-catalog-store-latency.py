"""Are requests served with catalog-store slow by 2000 ms?

Found by `harness sweep`: 0 % of requests were served.
"""

from harness import Availability, Latency, Load, Scenario, during

scenario = Scenario(
    hypothesis="With catalog-store slow by 2000 ms 99 % of requests are ok.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(12, 24, Latency("catalog-store", delay_ms=2000)),
    checks=(Availability(ok_ratio_min=0.99),),
)
