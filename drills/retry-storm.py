"""Is a storm of retries noticed and ended, when a release that knows no budget meets a provider that hangs?"""

from harness import Deploy, Drill, Freeze, Load, Writes

drill = Drill(
    objective="payments hangs, and a release of api tries again and again without a budget; by the runbook the "
    "storm is over and the shop sells within 90 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(Deploy("api", {"WEAKNESS": "retry-storm,no-breaker"}), Freeze("payments")),
    runbook="retry-storm",
    answers={"decide": "back"},
    alert="RetryStorm",
    detected_within_s=25,
    rto_s=90,
    within_s=240,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
