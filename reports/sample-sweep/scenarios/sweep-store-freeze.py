"""Are requests served with store frozen?

Found by `harness sweep`: 0 % of requests were served.
"""

from harness import Availability, Freeze, Load, Scenario, during

scenario = Scenario(
    hypothesis="With store frozen 99 % of requests are ok.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(12, 24, Freeze("store")),
    checks=(Availability(ok_ratio_min=0.99),),
)
