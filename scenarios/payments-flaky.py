"""Does the shop sell on while the payments provider fails now and then, by one key a charge and a few more calls?"""

from harness import Amplification, Availability, FailRatio, Load, Retries, Scenario, during

scenario = Scenario(
    hypothesis="With every fourth charge refused for the moment, checkouts are well, and each charge keeps its key.",
    load=Load("shop.py", rate_per_s=60),
    faults=during(8, 28, FailRatio("api-payments", ratio=0.25, code=503, seed=1)),
    checks=(
        Retries("api-payments", attempts_max=3, budget_ratio_max=0.35),
        Amplification("api-payments", ratio_max=1.5),
        Availability(ok_ratio_min=0.99, endpoint="POST /checkout"),
    ),
    recovery_s=10,
)
