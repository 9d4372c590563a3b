"""Are requests served with web-catalog reset?

Found by `harness sweep`: 0 % of requests were served.
"""

from harness import Availability, Load, Reset, Scenario, during

scenario = Scenario(
    hypothesis="With web-catalog reset 99 % of requests are ok.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(12, 24, Reset("web-catalog")),
    checks=(Availability(ok_ratio_min=0.99),),
)
