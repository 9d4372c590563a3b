"""Are requests served with web-catalog silent?

Found by `harness sweep`: 0 % of requests were served.
"""

from harness import Availability, Blackhole, Load, Scenario, during

scenario = Scenario(
    hypothesis="With web-catalog silent 99 % of requests are ok.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(12, 32, Blackhole("web-catalog")),
    checks=(Availability(ok_ratio_min=0.99),),
)
