"""Does anybody notice that the newest backup has rotted, before it is needed?"""

from harness import DamageBackup, Drill, Job, Load, Writes

VERIFY = 'b=$(harness backup latest "$BACKUPS" --kind logical) && harness backup verify "$b" --note "$BACKUPS"'
"""Where there is none yet nothing is noted: an alert before the disaster would hide whether it comes after."""

drill = Drill(
    objective="Bits of the newest backup flip, and its name, size and time stay; the verification that cron runs "
    "notices within 45 s, and by the runbook there is a proven backup again within 90 s.",
    load=Load("shop.py", rate_per_s=10),
    before=VERIFY,
    jobs=(Job(VERIFY, 10),),
    disaster=(DamageBackup(),),
    runbook="backup-failed",
    answers={"decide": "aside"},
    alert="BackupUnverified",
    detected_within_s=45,
    rto_s=90,
    within_s=240,
    rpo_s=0,
    writes=Writes("api", "/writes"),
    variables={"BACKUP_EVERY_S": "200"},
)
