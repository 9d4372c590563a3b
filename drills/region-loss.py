"""Does the shop come back when all of it is gone at once, and only the backups are left?"""

from harness import Drill, Kill, Load, LoseData, Writes

drill = Drill(
    objective="Every service ends at once, and the database's data is lost; by the runbook the shop sells again "
    "within 60 s, out of the backups; at most the orders of the last 2 s are lost.",
    scope="all services of the shop; the backups are elsewhere, and so is who watches",
    load=Load("shop.py", rate_per_s=20),
    before='harness backup latest "$BACKUPS" --kind physical',
    disaster=(
        Kill("api"),
        Kill("etl"),
        Kill("backup"),
        LoseData("postgres"),
        Kill("payments"),
        Kill("shipping"),
        Kill("feed"),
    ),
    runbook="region-loss",
    answers={"decide": "rebuild"},
    rto_s=60,
    within_s=240,
    rpo_s=2,
    writes=Writes("api", "/writes"),
    variables={"BACKUP_EVERY_S": "20"},
)
