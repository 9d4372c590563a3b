"""Is GET /books/{id}/reviews served with web-reviews reset?

Found by `harness sweep`: 0 % of GET /books/{id}/reviews were served.
"""

from harness import Availability, Load, Reset, Scenario, during

scenario = Scenario(
    hypothesis="With web-reviews reset 99 % of GET /books/{id}/reviews are ok.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(39, 78, Reset("web-reviews")),
    checks=(Availability(ok_ratio_min=0.99, endpoint="GET /books/{id}/reviews"),),
)
