"""Does the shop come back when its database is gone, data and all, and what is lost of what customers were told?"""

from harness import Drill, Load, LoseData, Writes

drill = Drill(
    objective="The database's disk is lost under load; by the runbook the shop sells again within 60 s, out of the "
    "last physical backup and the WAL that was received since; at most the orders of the last 2 s are "
    "lost.",
    load=Load("shop.py", rate_per_s=20),
    before='harness backup latest "$BACKUPS" --kind physical',
    disaster=(LoseData("postgres"),),
    runbook="postgres-down",
    answers={"decide": "restore"},
    alert="DatabaseUnreachable",
    detected_within_s=10,
    rto_s=60,
    rpo_s=2,
    writes=Writes("api", "/writes"),
    variables={"BACKUP_EVERY_S": "20"},
)
