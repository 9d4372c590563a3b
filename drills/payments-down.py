"""Does the shop take orders while payments is down, and are they charged when it is back?"""

from harness import Drill, Kill, Load, Writes

drill = Drill(
    objective="payments is killed under load; orders are accepted meanwhile; by the runbook it is back and what was "
    "accepted is charged within 60 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(Kill("payments"),),
    runbook="payments-down",
    alert="PaymentsBreakerOpen",
    detected_within_s=20,
    rto_s=60,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
