"""Is a session that everybody waits for found and ended?"""

from harness import Drill, Load, Sql, Writes

drill = Drill(
    objective="A session locks the stock and stays idle; nobody can buy; by the runbook it is ended and the shop "
    "sells again within 45 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(Sql("postgres", "LOCK TABLE stock IN ACCESS EXCLUSIVE MODE", hold=True),),
    runbook="pool-exhausted",
    answers={"decide": "end"},
    alert="DatabaseSaturated",
    detected_within_s=20,
    rto_s=45,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
