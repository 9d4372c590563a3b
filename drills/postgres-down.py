"""Does the shop sell again soon after its database was killed, and is no order lost?"""

from harness import Drill, Kill, Load, Writes

drill = Drill(
    objective="PostgreSQL is killed under load; by the runbook the shop sells again within 30 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(Kill("postgres"),),
    runbook="postgres-down",
    answers={"decide": "start"},
    alert="DatabaseUnreachable",
    detected_within_s=10,
    rto_s=30,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
