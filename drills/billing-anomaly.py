"""Is a bill that is several times too high held back before it is sent?"""

from harness import Deploy, Drill, Load, Writes

drill = Drill(
    objective="The feed begins to give amounts of one customer that are twenty times what they were; the bill is an "
    "anomaly; by the runbook the feed is back as it was within 60 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=10),
    disaster=(Deploy("feed", {"FEED_RATIO": "20"}),),
    runbook="billing-anomaly",
    answers={"decide": "mistake"},
    alert="BillingAnomaly",
    detected_within_s=40,
    rto_s=60,
    within_s=240,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
