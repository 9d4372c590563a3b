"""Does anybody wait for ever with web-reviews silent?

Found by `harness sweep`: 0 % of GET /books/{id}/reviews were served and no timeout was seen in 20 s.
"""

from harness import Availability, Blackhole, LatencyBelow, Load, Scenario, during

scenario = Scenario(
    hypothesis=(
        "With web-reviews silent 99 % of GET /books/{id}/reviews are ok and 95 % of GET /books/{id}/reviews take less"
        " than 1.5 s."
    ),
    load=Load("locustfile.py", rate_per_s=20),
    faults=during(39, 78, Blackhole("web-reviews")),
    checks=(
        Availability(ok_ratio_min=0.99, endpoint="GET /books/{id}/reviews"),
        LatencyBelow(1500, percentile=95, endpoint="GET /books/{id}/reviews"),
    ),
)
