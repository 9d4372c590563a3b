"""Are requests served with store killed?

Found by `harness sweep`: 0 % of requests were served.
"""

from harness import Availability, Kill, Load, Scenario, during

scenario = Scenario(
    hypothesis="With store killed 99 % of requests are ok.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(12, 24, Kill("store", cut_links=True)),
    checks=(Availability(ok_ratio_min=0.99),),
)
