"""Does anybody wait for ever with reviews frozen?

Found by `harness sweep`: 0 % of GET /books/{id}/reviews were served and no timeout was seen in 12 s.
"""

from harness import Freeze, LatencyBelow, Load, Scenario, during

scenario = Scenario(
    hypothesis="With reviews frozen 95 % of GET /books/{id}/reviews take less than 1.5 s.",
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(39, 78, Freeze("reviews")),
    checks=(LatencyBelow(1500, percentile=95, endpoint="GET /books/{id}/reviews"),),
)
