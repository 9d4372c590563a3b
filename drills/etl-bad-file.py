"""Is a feed that lacks a customer's invoices noticed, and loaded once it is whole again?"""

from harness import Deploy, Drill, Load, Writes

drill = Drill(
    objective="The feed leaves a customer out; the etl tells of it; by the runbook the feed is whole again and loaded "
    "within 90 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=10),
    disaster=(Deploy("feed", {"FEED_FORMAT": "csv"}),),
    runbook="etl-bad-file",
    answers={"decide": "provider"},
    alert="EtlQuarantineNotEmpty",
    detected_within_s=40,
    rto_s=90,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
