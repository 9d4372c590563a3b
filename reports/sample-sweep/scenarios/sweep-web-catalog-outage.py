"""Are requests served with web-catalog cut?

Found by `harness sweep`: 0 % of requests were served.
"""

from harness import Availability, Load, Outage, Scenario, during

scenario = Scenario(
    hypothesis="With web-catalog cut 99 % of requests are ok.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(12, 24, Outage("web-catalog")),
    checks=(Availability(ok_ratio_min=0.99),),
)
