"""Is GET /books/{id}/reviews served with reviews killed?

Found by `harness sweep`: 0 % of GET /books/{id}/reviews were served.
"""

from harness import Availability, Kill, Load, Scenario, during

scenario = Scenario(
    hypothesis="With reviews killed 99 % of GET /books/{id}/reviews are ok.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(39, 78, Kill("reviews", cut_links=True)),
    checks=(Availability(ok_ratio_min=0.99, endpoint="GET /books/{id}/reviews"),),
)
